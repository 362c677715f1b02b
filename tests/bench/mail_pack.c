#include "tests/bench/mail_pack.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double cpu_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool find_mode(const char *name, enum mail_pack_mode *mode_out)
{
	static const char *const names[] = {"structure", "decode", "sha256", "memory"};
	for (unsigned i = 0; i < 4; i++) {
		if (strcmp(name, names[i]) == 0) {
			*mode_out = (enum mail_pack_mode)i;
			return true;
		}
	}
	return false;
}

static const uint8_t *map(const char *path, size_t *n_out)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	void *p = MAP_FAILED;
	if (fstat(fd, &st) == 0 && st.st_size > 0)
		p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	*n_out = p == MAP_FAILED ? 0 : (size_t)st.st_size;
	return p == MAP_FAILED ? NULL : p;
}

static uint64_t length_at(const uint8_t *p)
{
	uint64_t n = 0;
	for (unsigned i = 8; i-- > 0;)
		n = n << 8 | p[i];
	return n;
}

/* All messages of a pack that is in memory; *start_out: when it was there, by cpu_s. */
static bool read_mapped(const char *path, void (*read)(void *ctx, const uint8_t *p, size_t n),
			void *ctx, double *start_out)
{
	size_t n;
	const uint8_t *pack = map(path, &n);
	*start_out = cpu_s();
	for (size_t at = 0; pack && n - at >= 8;) {
		uint64_t length = length_at(pack + at);
		at += 8;
		if (length > n - at)
			break;
		read(ctx, pack + at, (size_t)length);
		at += (size_t)length;
	}
	return pack != NULL;
}

/* One after the other, in memory that is no larger than the largest. */
static bool read_singly(const char *path, void (*read)(void *ctx, const uint8_t *p, size_t n),
			void *ctx)
{
	FILE *file = fopen(path, "rbe");
	uint8_t head[8], *message = NULL;
	size_t room = 0;
	while (file && fread(head, sizeof(head), 1, file) == 1) {
		size_t length = (size_t)length_at(head);
		if (length > room) {
			free(message);
			message = malloc(room = length);
		}
		if (!message || fread(message, 1, length, file) != length)
			break;
		read(ctx, message, length);
	}
	free(message);
	return file && fclose(file) == 0;
}

int mail_pack_read(int argc, char **argv, enum mail_pack_mode *mode,
		   void (*read)(void *ctx, const uint8_t *p, size_t n), void *ctx,
		   const struct mail_pack_sums *sums)
{
	if (argc != 3 || !find_mode(argv[1], mode)) {
		fprintf(stderr, "usage: %s structure|decode|sha256|memory PACK\n", argv[0]);
		return 2;
	}
	double start = cpu_s();
	bool done = *mode == MAIL_PACK_MEMORY ? read_singly(argv[2], read, ctx)
					      : read_mapped(argv[2], read, ctx, &start);
	if (!done) {
		perror(argv[2]);
		return 1;
	}
	double used = cpu_s() - start;
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"messages\": %llu, \"parts\": %llu, \"text\": %llu, \"octets\": %llu, \"mark\": "
	       "%u, "
	       "\"cpu\": %.6f, \"rss_kb\": %ld}\n",
	       (unsigned long long)sums->messages, (unsigned long long)sums->parts,
	       (unsigned long long)sums->text_bytes, (unsigned long long)sums->octets, sums->mark,
	       used, usage.ru_maxrss);
	return 0;
}
