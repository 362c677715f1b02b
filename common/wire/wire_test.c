/* Proves that every message survives its frame, that versions one apart read each other (OPS-06), and that no frame
 * that is cut, padded, over-long or a bomb is taken. The table drives the cases, so a new message is covered too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/wire/pack.h"
#include "common/wire/table.h"

#define EACH_DEF(def)                                        \
	for (unsigned number_ = 1; number_ < 256; number_++) \
		for (const struct wire_def *def = wire_def(number_); def; def = NULL)

struct fixture {
	struct arena *arena;
	struct buf frame;
};

static int fixture_open(void **state)
{
	static struct fixture fixture;
	fixture.arena = arena_new(0);
	buf_init(&fixture.frame, 2 * WIRE_FRAME_MAX);
	*state = &fixture;
	return 0;
}

static int fixture_close(void **state)
{
	struct fixture *f = *state;
	arena_free(&f->arena);
	buf_fini(&f->frame);
	return 0;
}

static struct span letters(struct arena *arena, size_t n, unsigned seed)
{
	uint8_t *p = arena_alloc(arena, n + 1);
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)('a' + (seed + i) % 26);
	return span_make(p, n);
}

/* share: how much of each maximum is used, in per cent. */
static void field_fill(const struct wire_field *field, void *value, struct arena *arena,
		       size_t share)
{
	size_t n = (field->max * share + 99) / 100, item = (WIRE_ITEM_MAX * share + 99) / 100;
	if (field->type == WIRE_U64) {
		*(uint64_t *)value = UINT64_MAX - field->key;
	} else if (field->type == WIRE_I64) {
		*(int64_t *)value = INT64_MIN + field->key;
	} else if (field->type == WIRE_BYTES || field->type == WIRE_TEXT) {
		*(struct span *)value = letters(arena, n, field->key);
	} else if (field->type == WIRE_LIST) {
		struct wire_list list = {arena_array(arena, n, sizeof(struct span)), n};
		for (size_t i = 0; i < n; i++)
			list.items[i] = letters(arena, i ? i % 9 : item, field->key + (unsigned)i);
		*(struct wire_list *)value = list;
	} else {
		struct wire_addrs addrs = {arena_array(arena, n, sizeof(struct wire_addr)), n};
		for (size_t i = 0; i < n; i++)
			addrs.items[i] = (struct wire_addr){letters(arena, i % 5, 1),
							    letters(arena, i ? i % 7 : item, 2)};
		*(struct wire_addrs *)value = addrs;
	}
}

static bool field_same(const struct wire_field *field, const void *a, const void *b)
{
	if (field->type == WIRE_U64 || field->type == WIRE_I64)
		return memcmp(a, b, sizeof(uint64_t)) == 0;
	if (field->type == WIRE_BYTES || field->type == WIRE_TEXT)
		return span_eq(*(const struct span *)a, *(const struct span *)b);
	if (field->type == WIRE_LIST) {
		const struct wire_list *x = a, *y = b;
		for (size_t i = 0; i < x->count && i < y->count; i++)
			if (!span_eq(x->items[i], y->items[i]))
				return false;
		return x->count == y->count;
	}
	const struct wire_addrs *x = a, *y = b;
	for (size_t i = 0; i < x->count && i < y->count; i++)
		if (!span_eq(x->items[i].name, y->items[i].name) ||
		    !span_eq(x->items[i].email, y->items[i].email))
			return false;
	return x->count == y->count;
}

static char *message_make(const struct wire_def *def, struct arena *arena, size_t share)
{
	char *m = arena_alloc(arena, def->struct_bytes);
	for (size_t i = 0; i < def->count; i++)
		field_fill(&def->fields[i], m + def->fields[i].offset, arena, share);
	return m;
}

static void frame_make(struct fixture *f, const struct wire_def *def, const char *m)
{
	buf_clear(&f->frame);
	wire_encode(def, m, &f->frame);
	assert_true(buf_ok(&f->frame));
}

/* ASan sees every read past the end, because the bytes lie in an allocation of their own. */
static enum err_code decode_copy(const struct wire_def *def, struct span frame, struct err *e)
{
	struct arena *arena = arena_new(0);
	void *m = arena_alloc(arena, def->struct_bytes);
	uint8_t *copy = test_malloc(frame.n ? frame.n : 1);
	if (frame.n)
		memcpy(copy, frame.p, frame.n);
	enum err_code code = wire_decode(def, span_make(copy, frame.n), arena, m, e);
	test_free(copy);
	arena_free(&arena);
	return code;
}

static void every_message_round_trips(void **state)
{
	struct fixture *f = *state;
	static const size_t shares[] = {0, 1, 30, 100};
	for (size_t s = 0; s < 4; s++) {
		EACH_DEF(def)
		{
			char *m = message_make(def, f->arena, shares[s]);
			char *back = arena_alloc(f->arena, def->struct_bytes);
			frame_make(f, def, m);
			assert_true(f->frame.n <= WIRE_FRAME_MAX);
			assert_int_equal(wire_peek(buf_span(&f->frame)), def->number);
			assert_int_equal(
				wire_decode(def, buf_span(&f->frame), f->arena, back, NULL),
				ERR_OK);
			for (size_t i = 0; i < def->count; i++)
				assert_true(field_same(&def->fields[i], m + def->fields[i].offset,
						       back + def->fields[i].offset));
		}
	}
	assert_string_equal(wire_name(WIRE_N_proposal), "proposal");
	assert_string_equal(wire_name(200), "unknown");
}

static void typed_functions_are_the_table(void **state)
{
	struct fixture *f = *state;
	struct wire_ring ring = {.topic = SPAN_LIT("journal"), .account = SPAN_LIT("anna")}, back;
	wire_encode_ring(&ring, &f->frame);
	assert_int_equal(wire_decode_ring(buf_span(&f->frame), f->arena, &back, NULL), ERR_OK);
	assert_true(span_eq(back.topic, ring.topic));
	assert_true(span_eq(back.account, ring.account));
	assert_int_equal(back.company.n, 0);
	struct wire_committed other;
	struct err e;
	assert_int_equal(wire_decode_committed(buf_span(&f->frame), f->arena, &other, &e),
			 ERR_PEER);
	assert_string_equal(e.name, "bad_frame");
}

static void every_truncation_is_refused(void **state)
{
	struct fixture *f = *state;
	EACH_DEF(def)
	{
		frame_make(f, def, message_make(def, f->arena, 1));
		for (size_t n = 0; n < f->frame.n; n++)
			assert_int_equal(decode_copy(def, span_make(f->frame.p, n), NULL),
					 ERR_PEER);
		buf_put_byte(&f->frame, 0xc0);
		struct err e;
		assert_int_equal(decode_copy(def, buf_span(&f->frame), &e),
				 ERR_PEER); /* a byte behind it */
		assert_non_null(strstr(e.text, "bytes behind it"));
	}
}

static void every_flipped_byte_is_survived(void **state)
{
	struct fixture *f = *state;
	EACH_DEF(def)
	{
		frame_make(f, def, message_make(def, f->arena, 1));
		for (size_t i = 0; i < f->frame.n; i++) {
			for (unsigned flip = 1; flip < 256; flip += 2) {
				f->frame.p[i] ^= (uint8_t)flip;
				enum err_code code = decode_copy(def, buf_span(&f->frame), NULL);
				assert_true(code == ERR_OK || code == ERR_PEER);
				f->frame.p[i] ^= (uint8_t)flip;
			}
		}
	}
}

/* topic "x" (key 90) among pairs; more is how many pairs follow the topic. */
static void ring_begin(struct buf *out, unsigned version, size_t pairs)
{
	buf_clear(out);
	pack_put_array(out, 3);
	pack_put_u64(out, version);
	pack_put_u64(out, WIRE_N_ring);
	pack_put_map(out, pairs);
	pack_put_u64(out, 90);
	pack_put_cstr(out, "x");
}

static void newer_versions_are_read(void **state)
{
	struct fixture *f = *state;
	static const struct span values[] = {
		SPAN_LIT("\xc0"),
		SPAN_LIT("\xc3"),
		SPAN_LIT("\x05"),
		SPAN_LIT("\xff"),
		SPAN_LIT("\xca"
			 "1234"),
		SPAN_LIT("\xcb"
			 "12345678"),
		SPAN_LIT("\xa3"
			 "abc"),
		SPAN_LIT("\xc4\x02"
			 "ab"),
		SPAN_LIT("\xd4\x01x"),
		SPAN_LIT("\xc7\x02\x01xy"),
		SPAN_LIT("\x92\x01\x91\x02"),
		SPAN_LIT("\x81\xa1k\x80"),
		SPAN_LIT("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
	};
	const size_t count = sizeof(values) / sizeof(values[0]);
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k <= count; k++) { /* the key too may be of any type */
			ring_begin(&f->frame, 2, 3);
			if (k == count)
				pack_put_u64(&f->frame, 4000);
			else
				buf_put_span(&f->frame,
					     values[k].p[0] == 5 ? SPAN_LIT("\x7f") : values[k]);
			buf_put_span(&f->frame, values[i]);
			pack_put_u64(&f->frame, 2);
			pack_put_bin(&f->frame, SPAN_LIT("anna")); /* bin where we write str */
			struct wire_ring ring;
			assert_int_equal(
				wire_decode_ring(buf_span(&f->frame), f->arena, &ring, NULL),
				ERR_OK);
			assert_true(span_eq(ring.account, SPAN_LIT("anna")));
		}
	}
}

static void hostile_frames_are_refused(void **state)
{
	(void)state;
	static const struct span frames[] = {
		SPAN_LIT("\xdd\xff\xff\xff\xff"),
		SPAN_LIT("\x93\x01\x06\xdf\xff\xff\xff\xff"),
		SPAN_LIT("\x93\x01\x06\x81\x5a\xdb\xff\xff\xff\xff"),
		SPAN_LIT("\x93\x01\x06\x80"), /* no topic, which is required */
		SPAN_LIT("\x93\x01\x06\x82\x5a\xa1x\x5a\xa1x"), /* topic twice */
		SPAN_LIT("\x93\x01\x06\x81\x5a\x01"), /* topic a number */
		SPAN_LIT("\x93\x01\x06\x82\x5a\xa1x\x7f\x91\x91\x91\x01"), /* unknown, too deep */
		SPAN_LIT("\x93\x00\x06\x81\x5a\xa1x"), /* version 0 */
		SPAN_LIT("\x93\x01\x05\x81\x5a\xa1x"), /* another message */
		SPAN_LIT("\x94\x01\x06\x81\x5a\xa1x\x00"), /* four elements */
		SPAN_LIT("\x92\x01\x06"),
		SPAN_LIT("\x93\x01\x06\x81\x5a\xd9\x21"
			 "123456789012345678901234567890123"), /* 33 bytes of 32 */
		SPAN_LIT(""),
	};
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		assert_int_equal(decode_copy(wire_def(WIRE_N_ring), frames[i], NULL), ERR_PEER);
	assert_int_equal(wire_peek(SPAN_LIT("\x93\x01\x7f")), 0);
	assert_int_equal(wire_peek(SPAN_LIT("\x93\x01\xcf\x01\x00\x00\x00\x00\x00\x00\x06")), 0);
	static const struct span ids[] = {
		SPAN_LIT("\x93\x01\x05\x82\x02\xa1x\x18\xc0"),
		SPAN_LIT("\x93\x01\x05\x82\x02\xa1x\x18\x50\xdd\xff\xff\xff\xff"),
		SPAN_LIT("\x93\x01\x05\x82\x02\xa1x\x50\xdd\x7f\xff\xff\xff"),
	};
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		assert_int_equal(decode_copy(wire_def(WIRE_N_committed), ids[i], NULL), ERR_PEER);
}

/* One more item, or one more byte, than the table allows. */
static void over_long_fields_are_refused(void **state)
{
	struct fixture *f = *state;
	buf_clear(&f->frame);
	pack_put_array(&f->frame, 3);
	pack_put_u64(&f->frame, 1);
	pack_put_u64(&f->frame, WIRE_N_committed);
	pack_put_map(&f->frame, 2);
	pack_put_u64(&f->frame, 2);
	pack_put_cstr(&f->frame, "a");
	pack_put_u64(&f->frame, 80);
	size_t head = f->frame.n;
	pack_put_array(&f->frame, 65);
	for (size_t i = 0; i < 65; i++)
		pack_put_bin(&f->frame, SPAN_LIT("0123456789"));
	assert_int_equal(decode_copy(wire_def(WIRE_N_committed), buf_span(&f->frame), NULL),
			 ERR_PEER);
	f->frame.n = head;
	pack_put_array(&f->frame, 1);
	pack_put_bin(&f->frame, letters(f->arena, WIRE_ITEM_MAX + 1, 0));
	assert_int_equal(decode_copy(wire_def(WIRE_N_committed), buf_span(&f->frame), NULL),
			 ERR_PEER);
}

static void required_fields_are_required(void **state)
{
	struct fixture *f = *state;
	EACH_DEF(def)
	{
		for (size_t without = 0; without < def->count; without++) {
			if (!def->fields[without].required)
				continue;
			struct wire_field fields[WIRE_FIELDS_MAX];
			struct wire_def less = *def;
			memcpy(fields, def->fields, def->count * sizeof(fields[0]));
			memmove(fields + without, fields + without + 1,
				(def->count - without - 1) * sizeof(fields[0]));
			less.fields = fields;
			less.count--;
			frame_make(f, &less, message_make(def, f->arena, 1));
			struct err e;
			assert_int_equal(decode_copy(def, buf_span(&f->frame), &e), ERR_PEER);
			assert_non_null(strstr(e.text, def->fields[without].name));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_message_round_trips, fixture_open,
						fixture_close),
		cmocka_unit_test_setup_teardown(typed_functions_are_the_table, fixture_open,
						fixture_close),
		cmocka_unit_test_setup_teardown(every_truncation_is_refused, fixture_open,
						fixture_close),
		cmocka_unit_test_setup_teardown(every_flipped_byte_is_survived, fixture_open,
						fixture_close),
		cmocka_unit_test_setup_teardown(newer_versions_are_read, fixture_open,
						fixture_close),
		cmocka_unit_test_setup_teardown(over_long_fields_are_refused, fixture_open,
						fixture_close),
		cmocka_unit_test_setup_teardown(required_fields_are_required, fixture_open,
						fixture_close),
		cmocka_unit_test(hostile_frames_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
