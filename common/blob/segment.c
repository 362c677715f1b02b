#include "common/blob/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/code.h"

#define SUFFIX ".seg"
#define NUMBER_CHARS 8u
#define TRIES 1000u /* numbers taken by another process of the same name */

static enum err_code fail(struct err *e, const char *name, const char *what)
{
	return err_set(e, ERR_TEMP, ERR_PROCESS,
		       errno == ENOSPC || errno == EDQUOT ? "disk_full" : name, "%s: %s", what,
		       strerror(errno));
}

bool segment_is_writer_name(struct span name)
{
	return name.n <= SEGMENT_WRITER_MAX && id_is_client(name) && name.p[0] != '.';
}

void segment_name(const char *writer, uint32_t number, char out[SEGMENT_NAME_BYTES])
{
	int n = snprintf(out, SEGMENT_NAME_BYTES, "%s-%08" PRIx32 SUFFIX, writer, number);

	if (n < 0 || n >= SEGMENT_NAME_BYTES)
		abort();
}

/* The number in a file's name, 0 if it is no segment of this writer. */
static uint32_t number_of(const char *name, const char *writer)
{
	size_t n = strlen(writer);
	char again[SEGMENT_NAME_BYTES];

	if (strncmp(name, writer, n) != 0 || name[n] != '-' ||
	    strlen(name) != n + 1 + NUMBER_CHARS + strlen(SUFFIX))
		return 0;
	unsigned long number = strtoul(name + n + 1, NULL, 16);

	segment_name(writer, (uint32_t)number, again);
	return strcmp(again, name) == 0 ? (uint32_t)number : 0;
}

enum err_code segment_next_number(const char *dir, const char *writer, uint32_t *number_out,
				  struct err *e)
{
	DIR *d = opendir(dir);
	uint32_t highest = 0;

	if (!d)
		return fail(e, "blob_dir", dir);
	for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
		uint32_t number = number_of(entry->d_name, writer);

		if (number > highest)
			highest = number;
	}
	closedir(d);
	*number_out = highest + 1;
	return ERR_OK;
}

enum err_code segment_create(int dir_fd, const char *writer, uint32_t first,
			     struct segment **segment_out, struct err *e)
{
	for (uint32_t number = first; number - first < TRIES && number > 0; number++) {
		char name[SEGMENT_NAME_BYTES];

		segment_name(writer, number, name);
		int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0)
			return fail(e, "blob_write", name);
		struct segment *segment = malloc(sizeof(*segment));

		if (!segment)
			abort();
		*segment = (struct segment){.fd = fd, .number = number, .holders = 1};
		*segment_out = segment;
		return ERR_OK;
	}
	return err_set(e, ERR_TEMP, ERR_PROCESS, "blob_write", "%s has no free segment number",
		       writer);
}

enum err_code segment_write(const struct segment *segment, struct span bytes, uint64_t offset,
			    struct err *e)
{
	while (bytes.n > 0) {
		ssize_t n = pwrite(segment->fd, bytes.p, bytes.n, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return fail(e, "blob_write", "blob segment");
		offset += (uint64_t)n;
		bytes = span_sub(bytes, (size_t)n, bytes.n);
	}
	return ERR_OK;
}

void segment_release(struct segment **segment)
{
	struct segment *s = *segment;

	*segment = NULL;
	if (!s || --s->holders > 0)
		return;
	close(s->fd);
	free(s);
}
