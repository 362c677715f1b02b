/* SHR-01, SHR-02: a thread is seen by its mailbox's people, and by others only if it is shared and tied to what they may
 * see; nobody else, whatever they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "gateway/visible.h"

#define NAME(s)                                     \
	{                                           \
		(const uint8_t *)(s), sizeof(s) - 1 \
	}

static const struct span members[] = {NAME("tom")};
static const struct span eve_only[] = {NAME("eve")};
static const struct span sales_only[] = {NAME("sales")};

static const struct visible_object open_item = {.exists = true, .company = true};
static const struct visible_object eves_item = {.exists = true, .users = eve_only, .user_count = 1};
static const struct visible_object sales_item = {
	.exists = true, .groups = sales_only, .group_count = 1};
static const struct visible_object kims_item = {.exists = true, .owner = NAME("kim")};
static const struct visible_object lost_item = {.exists = false, .company = true};

static enum visibility ask(const char *user, const char *group, bool shared,
			   const struct visible_object *object)
{
	struct span groups[] = {span_cstr(group)};
	struct visible_viewer viewer = {
		.user = span_cstr(user), .groups = groups, .group_count = group ? 1 : 0};
	struct visible_thread thread = {.owner = NAME("anna"),
					.members = members,
					.member_count = 1,
					.shared = shared,
					.objects = object,
					.object_count = object ? 1 : 0};

	return visible(&viewer, &thread);
}

static void shr_01_mailbox_is_its_owners_alone(void **state)
{
	(void)state;
	assert_int_equal(ask("anna", NULL, false, NULL), VISIBLE_OWNER);
	assert_int_equal(ask("tom", NULL, false, NULL), VISIBLE_OWNER);
	assert_int_equal(ask("admin", "admins", false, &open_item), VISIBLE_NONE);
	assert_int_equal(ask("", NULL, true, &open_item), VISIBLE_NONE);
	assert_int_equal(ask("ann", NULL, false, &open_item), VISIBLE_NONE);
}

static void shr_02_all_three_conditions_or_nothing(void **state)
{
	(void)state;
	assert_int_equal(ask("eve", NULL, true, &open_item), VISIBLE_SHARED);
	assert_int_equal(ask("eve", NULL, false, &open_item), VISIBLE_NONE);
	assert_int_equal(ask("eve", NULL, true, NULL), VISIBLE_NONE);
	assert_int_equal(ask("eve", NULL, true, &eves_item), VISIBLE_SHARED);
	assert_int_equal(ask("bob", NULL, true, &eves_item), VISIBLE_NONE);
	assert_int_equal(ask("bob", "sales", true, &sales_item), VISIBLE_SHARED);
	assert_int_equal(ask("bob", "hr", true, &sales_item), VISIBLE_NONE);
	assert_int_equal(ask("kim", NULL, true, &kims_item), VISIBLE_SHARED);
	assert_int_equal(ask("bob", NULL, true, &lost_item), VISIBLE_NONE);
}

static void deleted_threads_exist_for_nobody(void **state)
{
	struct visible_viewer viewer = {.user = SPAN_LIT("anna")};
	struct visible_thread thread = {.owner = NAME("anna"), .deleted = true};

	(void)state;
	assert_int_equal(visible(&viewer, &thread), VISIBLE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shr_01_mailbox_is_its_owners_alone),
		cmocka_unit_test(shr_02_all_three_conditions_or_nothing),
		cmocka_unit_test(deleted_threads_exist_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
