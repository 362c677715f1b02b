#include "gateway/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret/secret.h"
#include "gateway/app.h"
#include "gateway/openapi.h"
#include "gateway/root_token.h"
#include "gateway/settings.h"

static int keys_make(const struct gateway_conf *conf)
{
	struct err e;

	if (secret_create_keys(conf->common.keys_dir, &e) == ERR_OK)
		return 0;
	fprintf(stderr, "gateway: %s\n", e.text);
	return 1;
}

/* With the settings that the other arguments give. */
static int with_conf(int argc, char **argv, const char *option,
		     int (*make)(const struct gateway_conf *conf))
{
	struct gateway_conf conf = {.threads = 0};
	char **args = calloc((size_t)argc + 1, sizeof(*args)), **rest;
	int count = 0, rest_count, status;
	struct err e;

	if (!args)
		abort();
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], option) != 0)
			args[count++] = argv[i];
	if (conf_load(&conf, "gateway", "Makes keys or the root token.", gateway_settings, count,
		      args, &rest, &rest_count, &status, &e) != ERR_OK) {
		fprintf(stderr, "gateway: %s\n", e.text);
		status = 2;
	} else if (status < 0) {
		status = make(&conf);
	}
	conf_fini(&conf, gateway_settings);
	free(args);
	return status;
}

int command_run(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--openapi") == 0)
			return openapi_print();
		if (strcmp(argv[i], "--make-keys") == 0)
			return with_conf(argc, argv, argv[i], keys_make);
		if (strcmp(argv[i], "--make-root-token") == 0)
			return with_conf(argc, argv, argv[i], root_token_make);
	}
	return -1;
}
