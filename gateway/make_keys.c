#include "gateway/make_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/app.h"
#include "gateway/settings.h"

int make_keys_command(int argc, char **argv)
{
	struct gateway_conf conf = {.threads = 0};
	char **args = calloc((size_t)argc + 1, sizeof(*args)), **rest;
	int count = 0, rest_count, status;
	struct err e = {.code = ERR_OK};

	if (!args)
		abort();
	for (int i = 0; i < argc; i++)
		if (strcmp(argv[i], "--make-keys") != 0)
			args[count++] = argv[i];
	if (conf_load(&conf, "gateway", "Makes the master keys.", gateway_settings, count, args,
		      &rest, &rest_count, &status, &e) != ERR_OK)
		status = 2;
	else if (status < 0)
		status = secret_create_keys(conf.common.keys_dir, &e) == ERR_OK ? 0 : 1;
	if (status > 0)
		fprintf(stderr, "gateway: %s\n", e.text);
	conf_fini(&conf, gateway_settings);
	free(args);
	return status;
}
