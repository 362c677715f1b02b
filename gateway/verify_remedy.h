/* verify_remedy: what the person can do about a finding of a mail server (ACC-02). */
#ifndef MW_GATEWAY_VERIFY_REMEDY_H
#define MW_GATEWAY_VERIFY_REMEDY_H

/* Never NULL. */
const char *verify_remedy(const char *code);

/* What passes by itself: seconds until another try; 0: it does not. */
unsigned verify_retry_s(const char *code);

#endif
