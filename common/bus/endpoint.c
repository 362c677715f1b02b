#include "common/bus/endpoint.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_PATH_MAX 107

static enum err_code refuse(struct err *e, const char *text, const char *about)
{
	return err_set(e, ERR_PERM, ERR_PROCESS, "bus_address", "bus: %s: %s", text, about);
}

/* FNV-1a: names a directory, guards nothing. */
static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3u;
	return h;
}

/* Makes the directory if it is missing; what is there already must be a real directory that only we can write. */
static enum err_code directory_make(const char *path, struct err *e)
{
	struct stat st;
	if (mkdir(path, 0750) < 0 && errno != EEXIST)
		return refuse(e, strerror(errno), path);
	if (lstat(path, &st) < 0)
		return refuse(e, strerror(errno), path);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH))
		return refuse(e, "must be a directory that we own and nobody else can write", path);
	return ERR_OK;
}

static enum err_code ipc_make(const struct bus_options *options, const char *what, char *out,
			      struct err *e)
{
	char dir[PATH_MAX], root[PATH_MAX];
	if (mkdir(options->dir, 0750) < 0 && errno != EEXIST)
		return refuse(e, strerror(errno), options->dir);
	if (!realpath(options->dir, root))
		return refuse(e, strerror(errno), options->dir);
	int n = snprintf(dir, sizeof(dir), "%s/bus", root);
	if (n < 0 || (size_t)n + 2 + strlen(options->instance) + strlen(what) > SOCKET_PATH_MAX)
		snprintf(dir, sizeof(dir), "/tmp/mailweave-%u-%016llx", (unsigned)geteuid(),
			 (unsigned long long)hash(root));
	enum err_code code = directory_make(dir, e);
	if (code != ERR_OK)
		return code;
	n = snprintf(out, ENDPOINT_BYTES, "ipc://%s/%s.%s", dir, options->instance, what);
	if (n < 0 || n >= ENDPOINT_BYTES || (size_t)n - strlen("ipc://") > SOCKET_PATH_MAX)
		return refuse(e, "instance name too long", options->instance);
	return ERR_OK;
}

static enum err_code tcp_make(const char *address, char *out, struct err *e)
{
	static const char *const wild[] = {"", "*", "0.0.0.0", "[::]", "::"};
	for (size_t i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		if (strcmp(address, wild[i]) == 0)
			return refuse(e, "tcp needs the address that others connect to", address);
	int n = snprintf(out, ENDPOINT_BYTES, "tcp://%s:*", address);
	return n > 0 && n < ENDPOINT_BYTES ? ERR_OK : refuse(e, "address too long", address);
}

enum err_code bus_endpoint_make(const struct bus_options *options, const char *what,
				char out[ENDPOINT_BYTES], struct err *e)
{
	if (strcmp(options->mode, "ipc") == 0)
		return ipc_make(options, what, out, e);
	if (strncmp(options->mode, "tcp:", 4) == 0)
		return tcp_make(options->mode + 4, out, e);
	return refuse(e, "the mode is ipc or tcp:<address>, not", options->mode);
}

uint64_t bus_endpoint_inode(const char *endpoint)
{
	struct stat st;
	bool ipc = strncmp(endpoint, "ipc://", 6) == 0;
	return ipc && lstat(endpoint + 6, &st) == 0 ? st.st_ino : 0;
}

void bus_endpoint_unlink(const char *endpoint, uint64_t inode)
{
	if (inode && bus_endpoint_inode(endpoint) == inode)
		unlink(endpoint + 6);
}

bool bus_endpoint_is_tcp(const char *endpoint)
{
	return strncmp(endpoint, "tcp://", 6) == 0;
}

const char *bus_endpoint_of_hop(const char *published, const char *hop)
{
	size_t n = strlen(hop);
	return n && strncmp(published, hop, n) == 0 && published[n] == '@' ? published + n + 1
									   : NULL;
}
