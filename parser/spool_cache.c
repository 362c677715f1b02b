#include "parser/spool_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

void spool_cache_init(struct spool_cache *cache)
{
	*cache = (struct spool_cache){0};
	for (unsigned i = 0; i < REQUEST_SPOOLS; i++)
		cache->slots[i].fd = -1;
}

static void slot_close(struct spool_slot *slot)
{
	if (slot->fd >= 0)
		close(slot->fd);
	slot->fd = -1;
	slot->path[0] = 0;
}

void spool_cache_fini(struct spool_cache *cache)
{
	for (unsigned i = 0; i < REQUEST_SPOOLS; i++)
		slot_close(&cache->slots[i]);
}

void spool_cache_begin(struct spool_cache *cache)
{
	cache->batch++;
}

static bool slot_is_current(const struct spool_slot *slot)
{
	struct stat st;
	return stat(slot->path, &st) == 0 && st.st_dev == slot->device &&
	       st.st_ino == slot->inode && (uint64_t)st.st_size == slot->bytes;
}

static bool slot_open(struct spool_cache *cache, struct spool_slot *slot, struct span path)
{
	struct stat st;
	memcpy(slot->path, path.p, path.n);
	slot->path[path.n] = 0;
	slot->fd = open(slot->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (slot->fd < 0 || fstat(slot->fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
		slot_close(slot);
		return false;
	}
	slot->device = st.st_dev;
	slot->inode = st.st_ino;
	slot->bytes = (uint64_t)st.st_size;
	slot->version = ++cache->versions;
	return true;
}

/* The slot of the path, or the one used longest ago that this request does not use. */
static struct spool_slot *slot_for(struct spool_cache *cache, struct span path)
{
	struct spool_slot *oldest = NULL;
	for (unsigned i = 0; i < REQUEST_SPOOLS; i++) {
		struct spool_slot *slot = &cache->slots[i];
		if (slot->fd >= 0 && span_eq(span_cstr(slot->path), path))
			return slot;
		if (slot->used < cache->batch && (!oldest || slot->used < oldest->used))
			oldest = slot;
	}
	if (oldest)
		slot_close(oldest);
	return oldest;
}

bool spool_cache_find(struct spool_cache *cache, struct span path, uint64_t end, unsigned *slot_out)
{
	if (path.n == 0 || path.n > SPOOL_PATH_MAX || memchr(path.p, 0, path.n))
		return false;
	struct spool_slot *slot = slot_for(cache, path);
	if (!slot)
		return false;
	if (slot->fd >= 0 && slot->used < cache->batch && !slot_is_current(slot))
		slot_close(slot);
	if (slot->fd < 0 && !slot_open(cache, slot, path))
		return false;
	slot->used = cache->batch;
	*slot_out = (unsigned)(slot - cache->slots);
	return end <= slot->bytes;
}
