#include "fetcher/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/stamp.h"

#define PAGE 4096u
#define LARGE (2u << 20)
#define WARM (16u << 20) /* the front, which keeps its pages while anything is in the spool */

struct spool {
	uint8_t *map;
	size_t capacity;
	struct spool_region *regions; /* in use, by offset */
	size_t count, room;
	uint64_t stamp; /* of the last region given; begins at a random one */
	size_t touched; /* no page from here on has been written since it was given back */
	char path[256];
};

/* Is the process that a file's name ends with still there? */
static bool owner_lives(const char *pid)
{
	uint64_t value;

	return span_to_u64(span_cstr(pid), INT32_MAX, &value) && value > 0 &&
	       kill((pid_t)value, 0) == 0;
}

/* A folder's name in short: deployments on one machine must not meet in /dev/shm. */
static uint32_t folder_mark(const char *dir)
{
	char whole[PATH_MAX];
	const char *p = realpath(dir, whole) ? whole : dir;
	uint32_t hash = 2166136261u;

	for (; *p; p++)
		hash = (hash ^ (uint8_t)*p) * 16777619u;
	return hash;
}

/* What earlier lives of this instance left behind. */
static void sweep(const char *directory, const char *prefix)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	char path[256];

	while (dir && (entry = readdir(dir)) != NULL) {
		int n = snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);

		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && n > 0 &&
		    (size_t)n < sizeof(path) && !owner_lives(entry->d_name + strlen(prefix)))
			unlink(path);
	}
	if (dir)
		closedir(dir);
}

/* A name of its own for each life: whoever still maps the file of the last one must not take it for this one. */
static int make_file(struct spool *spool, const char *directory, uint32_t mark,
		     const char *instance, size_t bytes)
{
	char prefix[160];
	int fd, n;

	n = snprintf(prefix, sizeof(prefix), "mailweave-%u-%08x-%s-spool.", (unsigned)getuid(),
		     mark, instance);
	if (n < 0 || (size_t)n >= sizeof(prefix))
		return -1;
	sweep(directory, prefix);
	n = snprintf(spool->path, sizeof(spool->path), "%s/%s%d", directory, prefix, (int)getpid());
	if (n < 0 || (size_t)n >= sizeof(spool->path))
		return -1;
	fd = open(spool->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0 && ftruncate(fd, (off_t)bytes)) {
		close(fd);
		unlink(spool->path);
		return -1;
	}
	return fd;
}

enum err_code spool_open(const char *instance, const char *state_dir, size_t bytes,
			 struct spool **spool_out, struct err *e)
{
	struct spool *spool = calloc(1, sizeof(*spool));
	int fd;

	if (!spool || getrandom(&spool->stamp, sizeof(spool->stamp), 0) != sizeof(spool->stamp))
		abort();
	spool->capacity = (bytes + PAGE - 1) / PAGE * PAGE;
	fd = make_file(spool, "/dev/shm", folder_mark(state_dir), instance, spool->capacity);
	if (fd < 0) {
		mkdir(state_dir, 0750);
		fd = make_file(spool, state_dir, folder_mark(state_dir), instance, spool->capacity);
	}
	if (fd < 0) {
		free(spool);
		return err_set(e, ERR_PERM, ERR_PROCESS, "spool_failed",
			       "no spool in /dev/shm nor %s (errno %d)", state_dir, errno);
	}
	spool->map = mmap(NULL, spool->capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (spool->map == MAP_FAILED)
		abort();
	*spool_out = spool;
	return ERR_OK;
}

void spool_close(struct spool **spool)
{
	if (!*spool)
		return;
	munmap((*spool)->map, (*spool)->capacity);
	unlink((*spool)->path);
	free((*spool)->regions);
	free(*spool);
	*spool = NULL;
}

const char *spool_path(const struct spool *spool)
{
	return spool->path;
}

size_t spool_capacity(const struct spool *spool)
{
	return spool->capacity;
}

static void insert(struct spool *spool, size_t at, struct spool_region region)
{
	if (spool->count == spool->room) {
		spool->room = spool->room ? 2 * spool->room : 64;
		spool->regions = realloc(spool->regions, spool->room * sizeof(*spool->regions));
		if (!spool->regions)
			abort();
	}
	memmove(&spool->regions[at + 1], &spool->regions[at],
		(spool->count - at) * sizeof(*spool->regions));
	spool->regions[at] = region;
	spool->count++;
}

bool spool_take(struct spool *spool, size_t bytes, struct spool_region *region_out)
{
	size_t from = 0, at;

	if (bytes > spool->capacity)
		return false;
	for (at = 0; at <= spool->count; at++) {
		const size_t until = at < spool->count ? spool->regions[at].offset - STAMP_BYTES
						       : spool->capacity;

		if (until - from >= STAMP_BYTES + bytes)
			break;
		if (at < spool->count)
			from = until + STAMP_BYTES + (spool->regions[at].bytes + 63) / 64 * 64;
		if (from > spool->capacity)
			return false;
	}
	if (at > spool->count)
		return false;
	spool->stamp += spool->stamp == UINT64_MAX ? 2 : 1;
	*region_out = (struct spool_region){from + STAMP_BYTES, bytes, spool->stamp};
	stamp_put(spool->map + from, spool->stamp);
	insert(spool, at, *region_out);
	if (region_out->offset + bytes > spool->touched)
		spool->touched = region_out->offset + bytes;
	return true;
}

static void drop_pages(struct spool *spool, size_t from, size_t until)
{
	from = (from + PAGE - 1) / PAGE * PAGE;
	until = until / PAGE * PAGE;
	if (until > from)
		madvise(spool->map + from, until - from, MADV_REMOVE);
}

/* A few large messages must not hold memory for ever after; but a page that comes and goes costs more than its copy. */
static void give_back(struct spool *spool, const struct spool_region *region)
{
	if (spool->count == 0 && spool->touched > LARGE) {
		drop_pages(spool, LARGE, spool->touched + PAGE - 1);
		spool->touched = LARGE;
	} else if (region->bytes >= LARGE) {
		drop_pages(spool, region->offset > WARM ? region->offset : WARM,
			   region->offset + region->bytes);
	}
}

void spool_release(struct spool *spool, struct spool_region *region)
{
	size_t low = 0, high = spool->count;

	if (region->bytes == 0)
		return;
	while (low < high) {
		const size_t middle = (low + high) / 2;

		if (spool->regions[middle].offset < region->offset)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == spool->count || spool->regions[low].offset != region->offset)
		abort();
	stamp_clear(spool->map + region->offset - STAMP_BYTES);
	spool->count--;
	memmove(&spool->regions[low], &spool->regions[low + 1],
		(spool->count - low) * sizeof(*spool->regions));
	give_back(spool, region);
	region->bytes = 0;
}

uint8_t *spool_bytes(const struct spool *spool, const struct spool_region *region)
{
	return spool->map + region->offset;
}
