/* compose_out: `sender --compose FILE`: the composer by itself. */
#ifndef MW_SENDER_COMPOSE_OUT_H
#define MW_SENDER_COMPOSE_OUT_H

/*
 * A JSON object a line (FILE `-`: standard input), as POST /v1/messages takes it, with `from`, and optionally `messageId`,
 * `inReplyTo`, `references`. On standard output, for each line, one line with a number of octets and then that many: the
 * message; or `- name text` of what refuses it. Returns an exit status.
 */
int compose_out_file(const char *path);

#endif
