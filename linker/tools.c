#include "linker/tools.h"

#include "common/base/log.h"
#include "common/store/keys.h"
#include "linker/dump.h"
#include "linker/rebuild.h"

#include <stdio.h>
#include <stdlib.h>

static enum err_code rebuild_all(struct store *store, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct store_reply reply;
	enum err_code code =
		store_do(store, arena, &reply, e, "HKEYS %b", key_global(arena, KEY_G_COMPANIES));

	for (size_t i = 0; code == ERR_OK && i < reply.count; i++)
		code = rebuild_company(store, reply.items[i].string, stdout, e);
	arena_free(&arena);
	return code;
}

static int run(struct store *store, const char *verb, const char *company)
{
	struct span name = span_cstr(company);
	struct err e = {0};
	enum err_code code;

	if (strcmp(verb, "--rebuild") == 0 && strcmp(company, "--all") == 0)
		code = rebuild_all(store, &e);
	else if (!id_is_client(name))
		code = err_set(&e, ERR_PERM, ERR_PROCESS, "bad_company", "%s is no company id",
			       company);
	else if (strcmp(verb, "--rebuild") == 0)
		code = rebuild_company(store, name, stdout, &e);
	else
		code = dump_company(store, name, stdout, &e);
	if (code == ERR_OK)
		return 0;
	fprintf(stderr, "linker: %s: %s\n", e.name, e.text);
	return 1;
}

int tools_command(int argc, char **argv, const struct conf_setting *settings, size_t conf_bytes,
		  const char *functions)
{
	struct conf_common *conf;
	struct err e = {0};
	int status, rest_count;
	char **rest;

	if (argc < 2 ||
	    (strcmp(argv[1], "--rebuild") != 0 && strcmp(argv[1], "--dump-company") != 0))
		return -1;
	if (argc < 3) {
		fprintf(stderr, "usage: linker %s COMPANY [--redis …]\n", argv[1]);
		return 2;
	}
	const char *verb = argv[1], *company = argv[2];

	argv[2] = argv[0]; /* the rest is settings */
	conf = calloc(1, conf_bytes);
	if (!conf)
		abort();
	if (conf_load(conf, "linker", "", settings, argc - 2, argv + 2, &rest, &rest_count, &status,
		      &e) != ERR_OK) {
		fprintf(stderr, "linker: %s\n", e.text);
		status = 2;
	} else if (status < 0) {
		struct store_options options = {.address = conf->redis,
						.password_file = conf->redis_password_file,
						.client_name = "linker-tool"};
		struct store *store = store_new(&options);

		log_open("linker-tool", LOG_LEVEL_WARN);
		if (store_load_library(store, span_cstr(functions), &e) == ERR_OK) {
			status = run(store, verb, company);
		} else {
			fprintf(stderr, "linker: %s\n", e.text);
			status = 1;
		}
		store_free(&store);
	}
	conf_fini(conf, settings);
	free(conf);
	return status;
}
