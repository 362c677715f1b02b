/* child: `parser --child`, the process that reads mail. See request.h for its descriptors. */
#ifndef MW_PARSER_CHILD_H
#define MW_PARSER_CHILD_H

/* Enters the sandbox and answers requests until the control socket closes. Returns the exit status. */
int child_main(void);

#endif
