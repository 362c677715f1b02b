#include "common/conf/table.h"

#include <stdio.h>
#include <stdlib.h>

#ifndef MAILWEAVE_VERSION
#define MAILWEAVE_VERSION "0.1"
#endif
#define SHOW_BYTES_MAX (1u << 20)
#define COMMAND_LINE "command line"

/* What the command line asks for besides settings. */
enum request { RUN, HELP, VERSION, CHECK, PRINT, MAN_OWN, MAN_COMMON };

static const struct {
	const char *option;
	enum request request;
} requests[] = {
	{"--help", HELP},
	{"-h", HELP},
	{"--version", VERSION},
	{"--check-config", CHECK},
	{"--print-config", PRINT},
	{"--man-section", MAN_OWN},
	{"--man-section=common", MAN_COMMON},
};

static bool request_of(const char *arg, enum request *request_out)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (strcmp(arg, requests[i].option) != 0)
			continue;
		*request_out = requests[i].request;
		return true;
	}
	return false;
}

/* One option of the command line: --name value, or --name=value. */
struct option {
	struct span name, value;
};

/* *i is left at the option's last argument. */
static enum err_code option_take(int argc, char **argv, int *i, struct option *option_out,
				 struct err *e)
{
	struct span arg = span_cstr(argv[*i]);
	size_t equals = span_find_byte(arg, '=');

	*option_out = (struct option){{NULL, 0}, {NULL, 0}};
	if (!span_istarts(arg, SPAN_LIT("--")))
		return err_set(e, ERR_PERM, ERR_PROCESS, "option_unknown",
			       "no option %.63s; see --help", argv[*i]);
	option_out->name = span_sub(arg, 2, equals > 2 ? equals - 2 : 0);
	if (equals < arg.n) {
		option_out->value = span_sub(arg, equals + 1, arg.n);
		return ERR_OK;
	}
	if (*i + 1 >= argc)
		return err_set(e, ERR_PERM, ERR_PROCESS, "option_no_value",
			       "%.63s needs a value; see --help", argv[*i]);
	option_out->value = span_cstr(argv[++*i]);
	return ERR_OK;
}

static bool is_option(const char *arg)
{
	return arg[0] == '-' && arg[1];
}

/* The file is read before the command line counts, so its name is looked for first. */
static enum err_code file_name(int argc, char **argv, struct arena *arena, const char **path_out,
			       struct err *e)
{
	enum err_code code = ERR_OK;
	enum request request;

	*path_out = getenv("MAILWEAVE_CONFIG");
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0 && code == ERR_OK; i++) {
		struct option option;

		if (!is_option(argv[i]) || request_of(argv[i], &request))
			continue;
		code = option_take(argc, argv, &i, &option, e);
		if (code == ERR_OK && span_eq(option.name, SPAN_LIT("config")))
			*path_out = arena_cstr(arena, option.value);
	}
	return code;
}

/* Settings and requests are taken; what is no option moves, in its order, to the end of argv. */
static enum err_code arguments(struct conf_table *table, int argc, char **argv,
			       enum request *request_out, int *rest_count_out, struct err *e)
{
	char **rest = arena_array(table->arena, (size_t)argc + 1, sizeof(*rest));
	enum err_code code = ERR_OK;
	bool options = true;
	int count = 0;

	*request_out = RUN;
	for (int i = 1; i < argc && code == ERR_OK; i++) {
		struct option option;

		if (options && strcmp(argv[i], "--") == 0) {
			options = false;
		} else if (!options || !is_option(argv[i])) {
			rest[count++] = argv[i];
		} else if (!request_of(argv[i], request_out)) {
			code = option_take(argc, argv, &i, &option, e);
			if (code == ERR_OK && !span_eq(option.name, SPAN_LIT("config")))
				code = conf_table_set(table, option.name, option.value,
						      COMMAND_LINE, e);
		}
	}
	if (code == ERR_OK && count)
		memcpy(argv + argc - count, rest, (size_t)count * sizeof(*rest));
	*rest_count_out = count;
	return code;
}

static int show(const struct conf_table *table, enum request request)
{
	struct buf out;
	int status;

	buf_init(&out, SHOW_BYTES_MAX);
	if (request == HELP)
		conf_show_help(table, &out);
	else if (request == VERSION)
		buf_printf(&out, "%s (mailweave) %s\n", table->program, MAILWEAVE_VERSION);
	else if (request == CHECK)
		buf_printf(&out, "%s: the configuration is good\n", table->program);
	else if (request == PRINT)
		conf_show_values(table, &out);
	else
		conf_show_man(table, request == MAN_COMMON, &out);
	status = fwrite(out.p, 1, out.n, stdout) == out.n && fflush(stdout) == 0 ? 0 : 1;
	buf_fini(&out);
	return status;
}

enum err_code conf_load(void *conf, const char *program, const char *purpose,
			const struct conf_setting *own, int argc, char **argv, char ***rest_out,
			int *rest_count_out, int *exit_out, struct err *e)
{
	struct arena *arena = arena_new(0);
	enum request request = RUN;
	struct conf_table table;
	const char *path;
	enum err_code code;
	int count = 0;

	*exit_out = -1;
	conf_table_init(&table, arena, program, purpose, own);
	if (argc > 1 && request_of(argv[1], &request) && request != CHECK && request != PRINT) {
		*exit_out = show(&table, request); /* needs no good configuration */
		code = conf_table_store(&table, conf, e);
		goto out;
	}
	code = file_name(argc, argv, arena, &path, e);
	if (code == ERR_OK && path && path[0])
		code = conf_file_read(&table, path, e);
	if (code == ERR_OK)
		code = arguments(&table, argc, argv, &request, &count, e);
	if (code == ERR_OK)
		code = conf_table_store(&table, conf, e);
	if (code == ERR_OK && request != RUN)
		*exit_out = show(&table, request);
out:
	*rest_out = argv + argc - count;
	*rest_count_out = count;
	arena_free(&arena);
	return code;
}

static void strings_free(char *conf, const struct conf_setting *settings)
{
	for (; settings && settings->name; settings++) {
		char **field = (char **)(void *)(conf + settings->offset);

		if (settings->type != CONF_STRING && settings->type != CONF_PATH)
			continue;
		free(*field);
		*field = NULL;
	}
}

void conf_fini(void *conf, const struct conf_setting *own)
{
	strings_free(conf, conf_common_settings());
	strings_free(conf, own);
}
