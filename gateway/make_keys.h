/* make_keys: `gateway --make-keys`: makes the master keys that are missing in keys_dir (secret.h). Safe to run again. */
#ifndef MW_GATEWAY_MAKE_KEYS_H
#define MW_GATEWAY_MAKE_KEYS_H

/* With main's arguments, the option among them. The exit status. */
int make_keys_command(int argc, char **argv);

#endif
