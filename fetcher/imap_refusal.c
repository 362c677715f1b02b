#include "fetcher/imap_refusal.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 512
#define WAIT_MAX_MS 86400000
#define MINUTE_MS 60000
#define HOUR_MS 3600000

/* The first that fits counts. */
static const struct {
	const char *part, *name;
	int64_t wait_ms;
} table[] = {
	{"[OVERQUOTA]", "rate_limited", HOUR_MS},
	{"bandwidth limit", "rate_limited", HOUR_MS},
	{"too many simultaneous", "too_many_connections", MINUTE_MS},
	{"too many connections", "too_many_connections", MINUTE_MS},
	{"maximum number of connections", "too_many_connections", MINUTE_MS},
	{"connection limit", "too_many_connections", MINUTE_MS},
	{"[THROTTLED]", "rate_limited", MINUTE_MS},
	{"throttled", "rate_limited", MINUTE_MS},
	{"[LIMIT]", "rate_limited", MINUTE_MS},
	{"rate limit", "rate_limited", MINUTE_MS},
	{"too many login", "rate_limited", MINUTE_MS},
	{"too many requests", "rate_limited", MINUTE_MS},
	{"[UNAVAILABLE]", "server_unavailable", 0},
	{"[INUSE]", "server_unavailable", 0},
	{"[SERVERBUG]", "server_unavailable", 0},
	{"[NONEXISTENT]", "mailbox_missing", 0},
	{"doesn't exist", "mailbox_missing", 0},
	{"does not exist", "mailbox_missing", 0},
	{"no such mailbox", "mailbox_missing", 0},
	{"unknown mailbox", "mailbox_missing", 0},
	{"mailbox not found", "mailbox_missing", 0},
	{"folder not found", "mailbox_missing", 0},
	{"could not be found", "mailbox_missing", 0},
	{"invalid folder", "mailbox_missing", 0},
};

static const struct {
	const char *word;
	int64_t ms;
} units[] = {
	{"milliseconds", 1}, {"millisecond", 1}, {"ms", 1},	    {"seconds", 1000},
	{"second", 1000},    {"secs", 1000},	 {"sec", 1000},	    {"minutes", 60000},
	{"minute", 60000},   {"mins", 60000},	 {"min", 60000},    {"hours", HOUR_MS},
	{"hour", HOUR_MS},   {"days", 86400000}, {"day", 86400000},
};

/* Words before a number that make it a time to wait. */
static const char *const leads[] = {
	"backoff time:", "back-off time:", "retry after", "retry-after:", "retry in",
	"again in",	 "again after",	   "wait for",	  "wait",
};

static void text_of(struct span words, char text[WORDS_MAX])
{
	size_t n = words.n < WORDS_MAX - 1 ? words.n : WORDS_MAX - 1;

	memcpy(text, words.p, n);
	text[n] = '\0';
}

static int find(const char *text)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcasestr(text, table[i].part))
			return (int)i;
	return -1;
}

const char *imap_refusal_name(struct span words, const char *otherwise)
{
	char text[WORDS_MAX];
	int at;

	text_of(words, text);
	at = find(text);
	return at < 0 ? otherwise : table[at].name;
}

bool imap_refusal_is_general(const char *name)
{
	return strcmp(name, "rate_limited") == 0 || strcmp(name, "too_many_connections") == 0 ||
	       strcmp(name, "server_unavailable") == 0;
}

static int64_t unit_of(const char *text)
{
	while (*text == ' ')
		text++;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].word);

		if (strncasecmp(text, units[i].word, n) == 0 &&
		    !((text[n] | 32) >= 'a' && (text[n] | 32) <= 'z'))
			return units[i].ms;
	}
	return 0;
}

/* "… in 5 minutes": 0 if no number with a unit follows. */
static int64_t said_ms(const char *text)
{
	int64_t value = 0, unit;

	while (*text == ' ')
		text++;
	if (*text < '0' || *text > '9')
		return 0;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value > WAIT_MAX_MS ? value : value * 10 + (*text - '0');
	unit = unit_of(text);
	return unit && value > WAIT_MAX_MS / unit ? WAIT_MAX_MS : value * unit;
}

int64_t imap_refusal_wait_ms(struct span words)
{
	char text[WORDS_MAX];
	int at;

	text_of(words, text);
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		const char *lead = strcasestr(text, leads[i]);
		int64_t ms = lead ? said_ms(lead + strlen(leads[i])) : 0;

		if (ms > 0)
			return ms;
	}
	at = find(text);
	return at < 0 ? 0 : table[at].wait_ms;
}
