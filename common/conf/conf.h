/*
 * conf: one table of settings gives the parser, --help, --check-config, --print-config and the manual page's section.
 *
 * Values come, later over earlier, from: the table's default; the file given by --config (or $MAILWEAVE_CONFIG), lines
 * `name = value`, '#' comments, sections `[stage]` whose lines count for that program only; the command line,
 * `--name value` or `--name=value`. An unknown name or a value out of range is an error that names file, line and the
 * nearest known name. '-' and '_' in names are the same. Values in a file are taken as they stand, without quotes; a comment
 * has a line of its own. docs/mailweave.conf.5 describes it to people.
 */
#ifndef MW_CONF_CONF_H
#define MW_CONF_CONF_H

#include "common/base/err.h"
#include "common/base/span.h"

enum conf_type {
	CONF_STRING, /* char * into the struct, NUL-terminated, never NULL */
	CONF_INT, /* int64_t, min..max */
	CONF_BOOL, /* bool: yes|no|true|false|on|off */
	CONF_BYTES, /* int64_t; suffix K, M, G (powers of 1024) */
	CONF_MS, /* int64_t milliseconds; suffix ms, s, m, h, d */
	CONF_PATH, /* as CONF_STRING; relative paths are relative to the state directory (`dir`) */
};

struct conf_setting {
	const char *name; /* lower case, dots between words of a group: "window.messages" */
	enum conf_type type;
	size_t offset; /* offsetof(struct x_conf, field) */
	const char *fallback;
	int64_t min, max; /* for the numeric types; both 0: no bound */
	const char *help; /* one sentence */
};

/* The settings that every program has; embed it first in a program's own struct. */
struct conf_common {
	char *dir; /* state directory: var/ */
	char *redis; /* unix:/path, or tcp:host:port */
	char *redis_password_file; /* "" none */
	bool redis_cluster; /* check that calls touch one slot (always done) and follow MOVED */
	char *bus; /* "ipc" or "tcp:<address>" */
	char *name; /* instance name; default <stage>-<pid> */
	char *log_level; /* debug|info|warn|error */
	char *blob_dir; /* where segments live */
	char *keys_dir; /* master keys, mode 0600 files */
	int64_t metrics_port; /* 0: any free port, published in the registry */
	int64_t drain_ms; /* how long a stop waits for work in hand */
	int64_t ready_fd; /* -1: none; else a newline is written to it and it is closed once ready (s6) */
};

/*
 * Fills the struct at conf (zeroed by the caller) from the common table and the program's own (ended by a name of NULL;
 * may be NULL). Handles --help, --version, --check-config, --print-config and --man-section (own settings as mdoc list
 * items; --man-section=common: those of every program) itself: these print and set *exit_out to the status to leave with;
 * otherwise *exit_out is -1. Arguments that are not options are left in rest_out/rest_count_out: pointers into argv, whose
 * order is changed. conf_fini frees the strings, also after an error.
 */
MUST_USE enum err_code conf_load(void *conf, const char *program, const char *purpose,
				 const struct conf_setting *own, int argc, char **argv,
				 char ***rest_out, int *rest_count_out, int *exit_out,
				 struct err *e);
void conf_fini(void *conf, const struct conf_setting *own);

#endif
