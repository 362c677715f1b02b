#include "parser/child.h"
#include "common/base/clock.h"
#include "common/base/stamp.h"
#include "common/secret/secret.h"
#include "parser/charset_iconv.h"
#include "parser/facts_wire.h"
#include "parser/render.h"
#include "parser/request.h"
#include "parser/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAMES_BYTES_MAX (4u << 20)
#define TOUCHED_BYTES_MAX (256u << 20)

struct child {
	const uint8_t *in;
	uint8_t *out;
	struct request_page *page;
	struct span spools[REQUEST_SPOOLS];
	struct arena *arena;
	struct decode d;
	struct buf card, frame, body;
	size_t used; /* of `out` */
	uint64_t touched_bytes; /* of spools and `in`, since their pages were let go */
	struct request request;
};

/* Descriptors of new spool files take their slots. */
static bool take_spools(struct child *c, struct msghdr *msg)
{
	int fds[REQUEST_SPOOLS], n = 0, used = 0;
	struct cmsghdr *cm = CMSG_FIRSTHDR(msg);
	if (cm && cm->cmsg_type == SCM_RIGHTS) {
		size_t bytes = cm->cmsg_len - CMSG_LEN(0);
		memcpy(fds, CMSG_DATA(cm), bytes);
		n = (int)(bytes / sizeof(int));
	}
	for (unsigned slot = 0; slot < REQUEST_SPOOLS; slot++) {
		if (!(c->request.spool_new & 1u << slot) || used >= n)
			continue;
		struct span *s = &c->spools[slot];
		if (s->p)
			munmap((void *)(uintptr_t)s->p, s->n);
		s->n = c->request.spool_bytes[slot];
		s->p = mmap(NULL, s->n, PROT_READ, MAP_SHARED, fds[used], 0);
		if (s->p == MAP_FAILED)
			*s = (struct span){0};
		used++;
	}
	for (int i = 0; i < n; i++)
		close(fds[i]);
	return used == n;
}

/* Blocks for the next request. False when the parent is gone. */
static bool receive(struct child *c)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(REQUEST_SPOOLS * sizeof(int))];
	} control;
	struct iovec iov = {&c->request, sizeof(c->request)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(REQUEST_FD_CONTROL, &msg, 0);
	if (n < (ssize_t)offsetof(struct request, items))
		return false;
	if (c->request.count > REQUEST_ITEMS_MAX)
		return false;
	return take_spools(c, &msg);
}

static bool answer(const struct child *c)
{
	struct reply reply = {c->request.count};
	struct iovec iov = {&reply, sizeof(reply)};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	return sendmsg(REQUEST_FD_CONTROL, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(reply);
}

/* The bytes that an item names; p NULL if they are not there. */
static struct span item_bytes(const struct child *c, const struct request_item *item)
{
	struct span region = {0};
	if (item->source == REQUEST_SOURCE_IN)
		region = (struct span){c->in, REQUEST_IN_BYTES};
	else if (item->source <= REQUEST_SPOOLS)
		region = c->spools[item->source - 1];
	if (!region.p || item->offset > region.n || item->bytes > region.n - item->offset)
		return (struct span){0};
	if (item->source != REQUEST_SOURCE_IN &&
	    (item->offset < STAMP_BYTES || item->offset % STAMP_BYTES))
		return (struct span){0};
	return (struct span){region.p + item->offset, item->bytes};
}

/*
 * Asked after the work. A region is given to another message, of another account perhaps, once its own is committed, and
 * as well when its account loses its lease or its connections: what was read there is then nobody's facts.
 */
static bool still_there(const struct request_item *item, struct span raw)
{
	return item->source == REQUEST_SOURCE_IN || stamp_holds(raw.p - STAMP_BYTES, item->stamp);
}

/* Copies into `out`; false if it does not fit. */
static bool put_out(struct child *c, struct span s, uint64_t *offset_out, uint64_t *bytes_out)
{
	if (s.n > REQUEST_OUT_BYTES - c->used)
		return false;
	if (s.n)
		memcpy(c->out + c->used, s.p, s.n);
	*offset_out = c->used;
	*bytes_out = s.n;
	c->used += s.n;
	return true;
}

#ifdef MW_TEST_HOOKS
/* Test builds: a header makes the child die or hang, as a bug of ours would. */
static void test_hook(const struct mime_message *m)
{
	struct span what = span_trim(mime_field_first(m, &m->parts[0], HEADER_TEST_CRASH));
	if (span_ieq(what, SPAN_LIT("hang"))) {
		for (volatile int forever = 1; forever;)
			;
	}
	if (what.n)
		abort();
}
#else
static void test_hook(const struct mime_message *m)
{
	(void)m;
}
#endif

static void do_facts(struct child *c, struct span raw, struct request_result *result)
{
	int64_t start = clock_mono_us();
	struct mime_message m;
	struct facts f;
	mime_parse(&c->d, raw, &m);
	test_hook(&m);
	facts_read(&c->d, &m, &f);
	buf_clear(&c->frame);
	facts_wire_encode(&c->d, &m, &f, (uint64_t)(clock_mono_us() - start), &c->card, &c->frame);
	bool ok = buf_ok(&c->frame) &&
		  put_out(c, buf_span(&c->frame), &result->frame_offset, &result->frame_bytes);
	result->status = ok ? REQUEST_DONE : REQUEST_TOO_LARGE;
}

static void do_render(struct child *c, struct span raw, struct request_result *result)
{
	const struct request *r = &c->request;
	struct render_order order = {.want = (enum request_want)r->want,
				     .part = span_make(r->part, strnlen(r->part, sizeof(r->part))),
				     .remote = r->remote != 0,
				     .offset = r->part_offset,
				     .limit = r->part_limit,
				     .request = r->number};
	buf_clear(&c->frame);
	buf_clear(&c->body);
	render_message(&c->d, raw, &order, &c->frame, &c->body);
	bool ok = buf_ok(&c->frame) && buf_ok(&c->body) &&
		  put_out(c, buf_span(&c->frame), &result->frame_offset, &result->frame_bytes) &&
		  put_out(c, buf_span(&c->body), &result->body_offset, &result->body_bytes);
	result->status = ok ? REQUEST_DONE : REQUEST_TOO_LARGE;
	buf_fini(&c->body);
}

/* Mapped pages count as ours while we have touched them: lets them go now and then. They stay where they are. */
static void let_go(struct child *c)
{
	if (c->touched_bytes < TOUCHED_BYTES_MAX)
		return;
	for (unsigned slot = 0; slot < REQUEST_SPOOLS; slot++) {
		if (c->spools[slot].p)
			madvise((void *)(uintptr_t)c->spools[slot].p, c->spools[slot].n,
				MADV_DONTNEED);
	}
	madvise((void *)(uintptr_t)c->in, REQUEST_IN_BYTES, MADV_DONTNEED);
	c->touched_bytes = 0;
}

static void serve(struct child *c)
{
	c->used = REQUEST_PAGE_BYTES;
	for (uint32_t i = 0; i < c->request.count; i++) {
		const struct request_item *item = &c->request.items[i];
		struct request_result result = {.status = REQUEST_LOST};
		atomic_store(&c->page->at, i);
		struct span raw = item_bytes(c, item);
		if (raw.p && c->request.kind == REQUEST_FACTS)
			do_facts(c, raw, &result);
		else if (raw.p)
			do_render(c, raw, &result);
		if (raw.p && !still_there(item, raw))
			result = (struct request_result){.status = REQUEST_LOST};
		c->page->results[i] = result;
		c->touched_bytes += raw.n;
		arena_reset(c->arena);
	}
	atomic_store(&c->page->at, REQUEST_ITEMS_MAX);
	let_go(c);
}

static bool map_regions(struct child *c)
{
	void *in = mmap(NULL, REQUEST_IN_BYTES, PROT_READ, MAP_SHARED, REQUEST_FD_IN, 0);
	void *out = mmap(NULL, REQUEST_OUT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED,
			 REQUEST_FD_OUT, 0);
	if (in == MAP_FAILED || out == MAP_FAILED)
		return false;
	c->in = in;
	c->out = out;
	c->page = out;
	return true;
}

/* All that opens files, before the sandbox closes. */
static bool prepare(struct child *c)
{
	uint8_t ignored[32];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "parser-child");
	signal(SIGINT, SIG_IGN); /* the parent says when to end: by closing the socket */
	signal(SIGTERM, SIG_IGN);
	close_range(REQUEST_FD_OUT + 1, ~0u, 0);
	if (!map_regions(c))
		return false;
	c->arena = arena_new(64u << 10);
	decode_init(&c->d, charset_iconv_open(), c->arena);
	buf_init(&c->card, 64u << 10);
	buf_init(&c->frame, FRAMES_BYTES_MAX);
	buf_init(&c->body, REQUEST_OUT_BYTES);
	secret_sha256(SPAN_LIT(""), ignored);
	return true;
}

static void child_free(struct child *c)
{
	struct charset_set *charsets = (struct charset_set *)(uintptr_t)c->d.charsets;
	buf_fini(&c->card);
	buf_fini(&c->frame);
	buf_fini(&c->body);
	decode_fini(&c->d);
	charset_iconv_close(&charsets);
	arena_free(&c->arena);
	free(c);
}

int child_main(void)
{
	struct child *c = calloc(1, sizeof(*c));
	struct err e = {0};
	if (!c)
		abort();
	if (!prepare(c) || sandbox_enter(&e) != ERR_OK) {
		fprintf(stderr, "parser --child: cannot start %s\n", e.text);
		child_free(c);
		return 1;
	}
	while (receive(c)) {
		serve(c);
		if (!answer(c))
			break;
	}
	child_free(c);
	return 0;
}
