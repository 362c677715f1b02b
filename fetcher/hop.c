#include "fetcher/hop.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "fetcher/commands.h"
#include "fetcher/drive.h"

#define PEERS_MAX 64

static void fill_head(const struct account *a, const struct flight *f, struct wire_raw *m)
{
	m->company = span_cstr(a->company);
	m->account = span_cstr(a->name);
	m->generation = a->generation_number;
	m->id = span_make(f->id.b, ID_BYTES);
	m->lane = f->lane;
	m->drive = f->drives;
	m->pushed_us = clock_wall_ms() * 1000;
	m->origin = span_cstr(a->fetcher->instance);
	m->owner = span_cstr(a->config.owner);
	m->own = a->config.own;
	m->received_ms = f->received_ms;
	m->size = f->size;
	m->blob = span_make(f->blob, f->blob_bytes);
	m->place = f->place;
	m->submission = span_cstr(f->submission);
}

void hop_give(struct account *a, const struct flight *f, struct span body, uint64_t mode,
	      bool alone)
{
	struct fetcher *fetcher = a->fetcher;
	struct wire_raw m = {0};

	fill_head(a, f, &m);
	m.mode = mode;
	if (f->region.bytes > 0 && fetcher->conf->common.bus[0] != 't') {
		m.spool = span_cstr(spool_path(fetcher->spool));
		m.spool_offset = f->region.offset;
		m.spool_bytes = f->region.bytes;
		m.spool_stamp = f->region.stamp;
		body = SPAN_LIT("");
	} else if (f->region.bytes > 0) {
		body = span_make(spool_bytes(fetcher->spool, &f->region), f->region.bytes);
	}
	buf_clear(&fetcher->frame);
	wire_encode_raw(&m, &fetcher->frame);
	if (alone)
		bus_flush(fetcher->bus);
	bus_give(fetcher->bus, f->lane, (struct bus_item){buf_span(&fetcher->frame), body});
	if (alone)
		bus_flush(fetcher->bus);
	fetcher->given = true;
	metrics_add(fetcher->metrics, METRIC_OUT, f->lane, 1);
}

void hop_ring_journal(const struct account *a)
{
	const struct wire_ring m = {.topic = SPAN_LIT("journal"),
				    .company = span_cstr(a->company),
				    .account = span_cstr(a->name)};

	buf_clear(&a->fetcher->frame);
	wire_encode_ring(&m, &a->fetcher->frame);
	(void)bus_tell_one(a->fetcher->bus, "linker",
			   (struct bus_item){.frame = buf_span(&a->fetcher->frame)});
}

size_t hop_queued(const struct fetcher *f, unsigned lane)
{
	return bus_queued(f->bus, lane);
}

static void bell_committed(struct fetcher *f, struct span frame)
{
	struct wire_committed m;

	if (wire_decode_committed(frame, f->arena, &m, NULL) != ERR_OK)
		return;
	for (struct account *a = account_index_named(&f->by_name, m.account, NULL); a;
	     a = account_index_named(&f->by_name, m.account, a)) {
		reparse_committed(a, &m.ids);
		drive_look(a);
	}
}

static void bell_failed(struct fetcher *f, struct span frame)
{
	struct wire_failed m;
	struct account *a;
	struct id id;

	if (wire_decode_failed(frame, f->arena, &m, NULL) != ERR_OK || m.id.n != ID_BYTES)
		return;
	a = account_index_find(&f->by_name, m.company, m.account);
	if (!a || a->generation_number != m.generation)
		return;
	memcpy(id.b, m.id.p, ID_BYTES);
	drive_failed(a, &id, m.reason, m.detail);
}

static void bell_ring(struct fetcher *f, struct span frame)
{
	struct wire_ring m;
	struct account *a;

	if (wire_decode_ring(frame, f->arena, &m, NULL) != ERR_OK)
		return;
	a = account_index_find(&f->by_name, m.company, m.account);
	if (span_eq(m.topic, SPAN_LIT("ledger"))) {
		if (a)
			drive_look(a);
	} else if (span_eq(m.topic, SPAN_LIT("accounts"))) {
		f->list_again = true;
		if (a)
			account_poke(a);
	}
}

void hop_bell(void *ctx, struct span from, struct bus_item item)
{
	struct fetcher *f = ctx;

	(void)from;
	arena_reset(f->arena);
	switch (wire_peek(item.frame)) {
	case WIRE_N_committed:
		bell_committed(f, item.frame);
		break;
	case WIRE_N_failed:
		bell_failed(f, item.frame);
		break;
	case WIRE_N_ring:
		bell_ring(f, item.frame);
		break;
	default:
		break;
	}
}

static bool is_downstream(const char *stage)
{
	return strcmp(stage, "parser") == 0 || strcmp(stage, "threader") == 0 ||
	       strcmp(stage, "linker") == 0;
}

void hop_peer(void *ctx, const char *stage, const char *instance, bool here)
{
	struct fetcher *f = ctx;

	log_event(LOG_LEVEL_INFO, here ? "peer_came" : "peer_left", "stage", "s", stage, "peer",
		  "s", instance, NULL);
	if (!here && is_downstream(stage))
		f->left_ms = clock_mono_ms();
	if (strcmp(stage, "fetcher") == 0)
		f->peers++;
}

bool hop_complete(const struct fetcher *f)
{
	struct bus_entry entry;

	return bus_peers(f->bus, "parser", &entry, 1) > 0 &&
	       bus_peers(f->bus, "threader", &entry, 1) > 0 &&
	       bus_peers(f->bus, "linker", &entry, 1) > 0;
}

static uint64_t score(const char *instance, const char *tag)
{
	uint8_t digest[32];
	uint64_t value;
	struct buf text;

	buf_init(&text, 1024);
	buf_printf(&text, "%s %s", instance, tag);
	secret_sha256(buf_span(&text), digest);
	memcpy(&value, digest, sizeof(value));
	buf_fini(&text);
	return value;
}

static bool is_first_choice(const struct fetcher *f, const char *tag)
{
	struct bus_entry peers[PEERS_MAX];
	size_t count = bus_peers(f->bus, "fetcher", peers, PEERS_MAX);
	const uint64_t own = score(f->instance, tag);

	for (size_t i = 0; i < count && i < PEERS_MAX; i++)
		if (strcmp(peers[i].instance, f->instance) != 0 &&
		    score(peers[i].instance, tag) > own)
			return false;
	return true;
}

bool hop_is_mine(struct account *a)
{
	if (a->mine_of != a->fetcher->peers) {
		a->mine = is_first_choice(a->fetcher, a->tag);
		a->mine_of = a->fetcher->peers;
	}
	return a->mine;
}
