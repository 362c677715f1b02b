/*
 * root_token: `gateway --make-root-token`: the token of the deployment's owner. Made once, printed that once, kept for
 * the operator in <dir>/root.token (mode 0600), its hash in {g}:tok. Run again it prints nothing; it puts the hash of the
 * file's token back if Redis has lost it. To replace the token: delete the file, run it; the old one ends.
 */
#ifndef MW_GATEWAY_ROOT_TOKEN_H
#define MW_GATEWAY_ROOT_TOKEN_H

struct gateway_conf;

/* The exit status. */
int root_token_make(const struct gateway_conf *conf);

#endif
