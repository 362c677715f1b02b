/*
 * command: the forms of the program that do one thing and end: --openapi prints the API's description, --make-keys makes
 * the master keys that are missing, --make-root-token the root token.
 */
#ifndef MW_GATEWAY_COMMAND_H
#define MW_GATEWAY_COMMAND_H

/* With main's arguments. The exit status, or -1 if none of them was asked for. */
int command_run(int argc, char **argv);

#endif
