#include "gateway/root_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/secret/secret.h"
#include "common/store/keys.h"
#include "common/store/store.h"
#include "gateway/app.h"
#include "gateway/token.h"

#define PATH_OCTETS 4096
#define RECORD_MAX 256

/* The file's token, without its line end. False: no file, or not a token. */
static bool file_read(const char *path, struct buf *text_out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct token_text parts;
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf_reserve(text_out, TOKEN_TEXT_MAX), TOKEN_TEXT_MAX);
	close(fd);
	text_out->n = n > 0 ? span_trim(span_make(text_out->p, (size_t)n)).n : 0;
	return token_parse(buf_span(text_out), &parts) && token_is_root(&parts);
}

static bool write_all(int fd, const struct buf *text)
{
	return write(fd, text->p, text->n) == (ssize_t)text->n && write(fd, "\n", 1) == 1 &&
	       fsync(fd) == 0;
}

/* Under another name first, then linked: never half a token, never over another's. */
static enum err_code file_write(const char *path, const struct buf *text, struct err *e)
{
	char temporary[PATH_OCTETS + 32];
	bool ok;
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	ok = fd >= 0 && write_all(fd, text) && link(temporary, path) == 0;
	if (!ok)
		err_set(e, ERR_PERM, ERR_PROCESS, "root_token_file", "cannot write %.160s: %s",
			path, strerror(errno));
	if (fd >= 0)
		close(fd);
	unlink(temporary);
	return ok ? ERR_OK : ERR_PERM;
}

/* Replaces whatever root tokens there are. */
static enum err_code hash_store(struct store *store, const struct buf *text, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct span key = key_global(arena, KEY_G_TOKENS);
	struct token_record record = {
		.kind = VIEWER_ROOT, .scopes = SCOPE_ALL, .created_ms = clock_wall_ms()};
	struct store_reply replies[2];
	struct store_command commands[2];
	struct token_text parts;
	enum err_code code = ERR_OK;
	struct buf packed;

	buf_init(&packed, RECORD_MAX);
	if (!token_parse(buf_span(text), &parts))
		abort();
	token_hash(parts.secret, record.hash);
	token_record_encode(&record, &packed);
	code = store_do(store, arena, &replies[0], e, "HGET %b %b", key, parts.id);
	if (code == ERR_OK && replies[0].type != STORE_STRING) {
		commands[0] = store_command(arena, "DEL %b", key);
		commands[1] =
			store_command(arena, "HSET %b %b %b", key, parts.id, buf_span(&packed));
		code = store_pipeline(store, commands, 2, arena, replies, e);
	}
	buf_fini(&packed);
	arena_free(&arena);
	return code;
}

static enum err_code make(const struct gateway_conf *conf, struct store *store, struct err *e)
{
	struct arena *arena = arena_new(0);
	struct token_text parts;
	char path[PATH_OCTETS];
	enum err_code code = ERR_OK;
	struct buf text;
	bool fresh;

	buf_init(&text, TOKEN_TEXT_MAX + 1);
	snprintf(path, sizeof(path), "%s/root.token", conf->common.dir);
	fresh = !file_read(path, &text);
	if (fresh) {
		buf_clear(&text);
		token_make(arena, SPAN_LIT("-"), &parts, &text);
		code = file_write(path, &text, e);
	}
	if (code == ERR_OK)
		code = hash_store(store, &text, e);
	if (code == ERR_OK && fresh)
		printf("%s\n", buf_cstr(&text));
	else if (code == ERR_OK)
		fprintf(stderr, "gateway: the root token is in %s\n", path);
	buf_wipe(&text);
	buf_fini(&text);
	arena_free(&arena);
	return code;
}

int root_token_make(const struct gateway_conf *conf)
{
	struct store_options options = {.address = conf->common.redis,
					.password_file = conf->common.redis_password_file,
					.client_name = "gateway"};
	struct store *store = store_new(&options);
	struct err e = {.code = ERR_OK};
	int status = 0;

	if (make(conf, store, &e) != ERR_OK) {
		fprintf(stderr, "gateway: %s\n", e.text);
		status = 1;
	}
	store_free(&store);
	return status;
}
