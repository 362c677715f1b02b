/* Proves: one table of settings gives parser, help and manual; later sources win; what is wrong is named exactly. */
#include "common/conf/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct probe_conf {
	struct conf_common common;
	int64_t messages, bytes, wait_ms;
	bool strict;
	char *word, *file;
};

static const struct conf_setting probe_settings[] = {
	{"window.messages", CONF_INT, offsetof(struct probe_conf, messages), "256", 1, 4096,
	 "Messages in hand."},
	{"window.bytes", CONF_BYTES, offsetof(struct probe_conf, bytes), "24M", 1, INT64_C(1) << 40,
	 "Bytes in hand."},
	{"wait", CONF_MS, offsetof(struct probe_conf, wait_ms), "1500ms", 0, 86400000,
	 "Time to wait."},
	{"strict", CONF_BOOL, offsetof(struct probe_conf, strict), "no", 0, 0,
	 "Whether to be strict."},
	{"word", CONF_STRING, offsetof(struct probe_conf, word), "a word", 0, 0, "Any words."},
	{"file", CONF_PATH, offsetof(struct probe_conf, file), "x/y", 0, 0, "A file."},
	{NULL, CONF_STRING, 0, NULL, 0, 0, NULL},
};

/* conf_load with the arguments given as one string, words apart by one blank. */
struct load {
	struct probe_conf conf;
	struct err e;
	enum err_code code;
	char words[1024], *argv[32], **rest;
	int argc, rest_count, exit_status;
};

static void load(struct load *l, const char *args)
{
	char *p = l->words;

	memset(l, 0, sizeof(*l));
	snprintf(l->words, sizeof(l->words), "probe%s%s", args[0] ? " " : "", args);
	while (p && l->argc < 31) {
		char *blank = strchr(p, ' ');

		l->argv[l->argc++] = p;
		if (blank)
			*blank++ = 0;
		p = blank;
	}
	l->code = conf_load(&l->conf, "probe", "Probes.", probe_settings, l->argc, l->argv,
			    &l->rest, &l->rest_count, &l->exit_status, &l->e);
}

static void unload(struct load *l)
{
	conf_fini(&l->conf, probe_settings);
	assert_null(l->conf.common.dir);
	assert_null(l->conf.word);
}

static void load_fails(const char *args, const char *text)
{
	struct load l;

	load(&l, args);
	assert_int_equal(l.code, ERR_PERM);
	assert_string_equal(l.e.text, text);
	assert_int_equal(l.exit_status, -1);
	unload(&l);
}

/* A file that lives until the next call. */
static const char *file_with(const char *text)
{
	static char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/tmp/conf_test.%ld", (long)getpid());
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static void defaults(void **state)
{
	struct load l;

	(void)state;
	load(&l, "");
	assert_int_equal(l.code, ERR_OK);
	assert_int_equal(l.exit_status, -1);
	assert_int_equal(l.rest_count, 0);
	assert_string_equal(l.conf.common.dir, "var");
	assert_string_equal(l.conf.common.redis, "unix:var/redis/redis.sock");
	assert_string_equal(l.conf.common.redis_password_file, "");
	assert_string_equal(l.conf.common.blob_dir, "var/blobs");
	assert_string_equal(l.conf.common.keys_dir, "var/keys");
	assert_string_equal(l.conf.common.bus, "ipc");
	assert_string_equal(l.conf.common.name, "");
	assert_int_equal(l.conf.common.drain_ms, 10000);
	assert_int_equal(l.conf.common.ready_fd, -1);
	assert_int_equal(l.conf.messages, 256);
	assert_int_equal(l.conf.bytes, 24 << 20);
	assert_int_equal(l.conf.wait_ms, 1500);
	assert_false(l.conf.strict);
	assert_string_equal(l.conf.word, "a word");
	assert_string_equal(l.conf.file, "var/x/y");
	unload(&l);
}

static void command_line(void **state)
{
	struct load l;

	(void)state;
	load(&l, "--dir=/s one --window.messages 7 --redis-password-file pw --window.bytes=2k "
		 "--wait 2h two --strict on "
		 "--word= --redis tcp:127.0.0.1:6379 -- --three");
	assert_int_equal(l.code, ERR_OK);
	assert_string_equal(l.conf.common.redis_password_file, "/s/pw");
	assert_string_equal(l.conf.common.redis, "tcp:127.0.0.1:6379");
	assert_string_equal(l.conf.file, "/s/x/y");
	assert_int_equal(l.conf.messages, 7);
	assert_int_equal(l.conf.bytes, 2048);
	assert_int_equal(l.conf.wait_ms, 7200000);
	assert_true(l.conf.strict);
	assert_string_equal(l.conf.word, "");
	assert_int_equal(l.rest_count, 3);
	assert_string_equal(l.rest[0], "one");
	assert_string_equal(l.rest[1], "two");
	assert_string_equal(l.rest[2], "--three");
	unload(&l);
}

static void file_and_order(void **state)
{
	const char *path = file_with("# all programs\n"
				     "dir = /state\n"
				     "log_level=warn\r\n"
				     "\n"
				     "[other]\n"
				     "nothing_we_know = 1\n"
				     "[probe]\n"
				     "  window.messages =  9  \n"
				     "word = a = b # c\n"
				     "wait = 1m");
	char args[256];
	struct load l;

	(void)state;
	snprintf(args, sizeof(args), "--wait=3s --config %s", path);
	load(&l, args);
	assert_int_equal(l.code, ERR_OK);
	assert_string_equal(l.conf.common.dir, "/state");
	assert_string_equal(l.conf.common.log_level, "warn");
	assert_int_equal(l.conf.messages, 9);
	assert_string_equal(l.conf.word, "a = b # c");
	assert_int_equal(l.conf.wait_ms, 3000); /* the command line wins */
	unload(&l);

	assert_int_equal(setenv("MAILWEAVE_CONFIG", path, 1), 0);
	load(&l, "--window.messages 5");
	assert_int_equal(l.code, ERR_OK);
	assert_int_equal(l.conf.messages, 5);
	assert_int_equal(l.conf.wait_ms, 60000);
	unload(&l);
	unsetenv("MAILWEAVE_CONFIG");
	unlink(path);
}

static void wrong_command_lines(void **state)
{
	(void)state;
	load_fails(
		"--window.mesages 1",
		"command line: probe has no setting window.mesages; did you mean window.messages?");
	load_fails("--zzzzzzzz 1", "command line: probe has no setting zzzzzzzz");
	load_fails("--window.messages 0",
		   "command line: window.messages takes a number from 1 to 4096, not \"0\"");
	load_fails("--window.messages 4097",
		   "command line: window.messages takes a number from 1 to 4096, not \"4097\"");
	load_fails("--window.messages 1x",
		   "command line: window.messages takes a number from 1 to 4096, not \"1x\"");
	load_fails("--window.bytes 99999999999G", "command line: window.bytes takes a number of "
						  "bytes from 1 to 1024G, not \"99999999999G\"");
	load_fails("--wait 2d", "command line: wait takes a time from 0 to 1d, not \"2d\"");
	load_fails("--wait=-1", "command line: wait takes a time from 0 to 1d, not \"-1\"");
	load_fails("--strict maybe", "command line: strict takes yes or no, not \"maybe\"");
	load_fails("--wait", "--wait needs a value; see --help");
	load_fails("-w 5", "no option -w; see --help");
	load_fails(
		"--name a/b",
		"command line: name takes 1 to 63 letters, digits, '_', '.' or '-', not \"a/b\"");
	load_fails("--log_level loud",
		   "command line: log_level takes debug, info, warn or error, not \"loud\"");
	load_fails("--redis localhost",
		   "command line: redis takes unix:PATH or tcp:HOST:PORT, not \"localhost\"");
	load_fails("--redis tcp:host:",
		   "command line: redis takes unix:PATH or tcp:HOST:PORT, not \"tcp:host:\"");
	load_fails("--bus udp", "command line: bus takes ipc or tcp:ADDRESS, not \"udp\"");
	load_fails("--config /nonexistent", "cannot open /nonexistent: No such file or directory");
}

static void wrong_files(void **state)
{
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{"dir = a\nwindow.message = 1\n",
		 "f:2: probe has no setting window.message; did you mean window.messages?"},
		{"[probe]\nwait = soon\n", "f:2: wait takes a time from 0 to 1d, not \"soon\""},
		{"dir\n", "f:1: a line is: name = value"},
		{"[other]\n\ndir\n", "f:3: a line is: name = value"},
		{"= 5\n", "f:1: a line is: name = value"},
		{"[probe\n", "f:1: a section is [program]"},
		{"[]\n", "f:1: a section is [program]"},
		{"[Pro be]\n", "f:1: a section is [program]"},
	};
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new(0);
		struct conf_table table;

		conf_table_init(&table, arena, "probe", "Probes.", probe_settings);
		assert_int_equal(conf_file_parse(&table, span_cstr(cases[i].text), "f", &e),
				 ERR_PERM);
		assert_string_equal(e.text, cases[i].fault);
		arena_free(&arena);
	}
}

static void nul_bytes_are_refused(void **state)
{
	struct arena *arena = arena_new(0);
	struct conf_table table;
	struct err e;

	(void)state;
	conf_table_init(&table, arena, "probe", "Probes.", probe_settings);
	assert_int_equal(conf_file_parse(&table, span_make("word = a\0b\n", 11), "f", &e),
			 ERR_PERM);
	arena_free(&arena);
}

/* Runs conf_load with standard output in a file, and reads it. */
static void shown(const char *args, char *out, size_t out_bytes)
{
	const char *path = file_with("");
	int saved = dup(STDOUT_FILENO);
	struct load l;
	FILE *f;
	size_t n;

	fflush(stdout);
	assert_non_null(freopen(path, "w", stdout));
	load(&l, args);
	fflush(stdout);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	assert_int_equal(l.code, ERR_OK);
	assert_int_equal(l.exit_status, 0);
	unload(&l);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(out, 1, out_bytes - 1, f);
	out[n] = 0;
	fclose(f);
	unlink(path);
}

static void print_config_can_be_read_again(void **state)
{
	struct arena *arena = arena_new(0);
	char text[8192];
	struct conf_table table;
	struct err e;

	(void)state;
	shown("--wait 3s --print-config --dir /d", text, sizeof(text));
	assert_non_null(strstr(text, "[probe]\n# command line\ndir = /d\n"));
	assert_non_null(strstr(text, "# command line\nwait = 3s\n"));
	assert_non_null(strstr(text, "# default\nwindow.bytes = 24M\n"));
	conf_table_init(&table, arena, "probe", "Probes.", probe_settings);
	assert_int_equal(conf_file_parse(&table, span_cstr(text), "f", &e), ERR_OK);
	arena_free(&arena);
}

static void help_and_manual(void **state)
{
	char text[8192];

	(void)state;
	shown("--help", text, sizeof(text));
	assert_non_null(strstr(text, "usage: probe"));
	assert_non_null(strstr(
		text, "  --window.messages number    Messages in hand. [256; from 1 to 4096]\n"));
	assert_non_null(strstr(text, "  --strict yes|no             Whether to be strict. [no]\n"));
	assert_non_null(strstr(text, "--redis_password_file path"));
	shown("--version", text, sizeof(text));
	assert_memory_equal(text, "probe (mailweave) ", 18);
	shown("--check-config", text, sizeof(text));
	assert_string_equal(text, "probe: the configuration is good\n");
	shown("--man-section", text, sizeof(text));
	assert_memory_equal(text,
			    ".It Cm window.messages No = Ar number\nMessages in hand.\n"
			    "Default: 256; from 1 to 4096.\n",
			    86);
	assert_null(strstr(text, "redis"));
}

/* docs/mailweave.conf.5 holds the text that --man-section=common prints, word for word. */
static void manual_page_is_true(void **state)
{
	static char page[65536];
	char text[8192];
	FILE *f = fopen("docs/mailweave.conf.5", "r");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(page, 1, sizeof(page) - 1, f);
	page[n] = 0;
	fclose(f);
	shown("--man-section=common", text, sizeof(text));
	assert_non_null(strstr(text, ".It Cm redis_password_file"));
	assert_non_null(strstr(page, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(command_line),
		cmocka_unit_test(file_and_order),
		cmocka_unit_test(wrong_command_lines),
		cmocka_unit_test(wrong_files),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(print_config_can_be_read_again),
		cmocka_unit_test(help_and_manual),
		cmocka_unit_test(manual_page_is_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
