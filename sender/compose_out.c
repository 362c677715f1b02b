#define _POSIX_C_SOURCE 200809L
#include "sender/compose_out.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/code.h"
#include "sender/request.h"

#define OUT_MAX ((size_t)96 << 20)

static enum err_code compose_line(struct span line, struct buf *out, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct request request;
	uint8_t seed[16];
	enum err_code code = request_read(line, SPAN_LIT(""), arena, &request, e);

	random_bytes(seed, sizeof(seed));
	if (code == ERR_OK) {
		const json_t *id = json_object_get(request.json, "messageId");

		request.message.message_id = json_is_string(id) ? span_make(json_string_value(id),
									    json_string_length(id))
								: SPAN_LIT("composed@localhost");
		request.message.date_ms = clock_wall_ms();
		request.message.boundary_seed = seed;
		code = compose(&request.message, out, e);
	}
	request_free(&request);
	arena_free(&arena);
	return code;
}

static void print_line(struct span line)
{
	struct err e = {0};
	struct buf out;

	buf_init(&out, OUT_MAX);
	if (compose_line(line, &out, &e) == ERR_OK) {
		printf("%zu\n", out.n);
		fwrite(out.p, 1, out.n, stdout);
	} else {
		printf("- %s %s\n", e.name, e.text);
	}
	buf_fini(&out);
}

int compose_out_file(const char *path)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	int status;

	if (!in) {
		perror(path);
		return EXIT_FAILURE;
	}
	while ((n = getline(&line, &room, in)) > 0)
		print_line(span_trim(span_make(line, (size_t)n)));
	status = ferror(in) || fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
	free(line);
	if (in != stdin)
		fclose(in);
	return status;
}
