/* verify_remedy: what the person can do about a finding of a mail server (ACC-02). */
#ifndef MW_GATEWAY_VERIFY_REMEDY_H
#define MW_GATEWAY_VERIFY_REMEDY_H

/* Never NULL. */
const char *verify_remedy(const char *code);

#endif
