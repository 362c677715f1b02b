#include "gateway/login_address.h"

static bool ends_word(uint8_t c)
{
	return c == ' ' || c == ',' || c == ';' || c == '(' || c == ')' || c == '<' || c == '>' ||
	       c == '"' || c == '\'';
}

/* What follows the response code, if there is one. */
static struct span behind_code(struct span words)
{
	const size_t open = span_find_byte(words, '[');
	const size_t close = span_find_byte(words, ']');

	return open < close && close < words.n ? span_sub(words, close + 1, words.n) : words;
}

static struct span next_word(struct span *left)
{
	size_t at = 0, end;

	while (at < left->n && ends_word(left->p[at]))
		at++;
	end = at;
	while (end < left->n && !ends_word(left->p[end]))
		end++;
	{
		const struct span word = span_sub(*left, at, end - at);

		*left = span_sub(*left, end, left->n);
		return word;
	}
}

static const char *domain_of(const char *normal)
{
	return strrchr(normal, '@') + 1;
}

/* The one address among the words. False: none, or several. */
static bool only_address(struct span words, char out[ADDRESS_MAX + 1])
{
	char each[ADDRESS_MAX + 1];
	size_t count = 0;

	while (words.n > 0) {
		struct span word = next_word(&words);

		while (word.n > 0 && (word.p[word.n - 1] == '.' || word.p[word.n - 1] == ':'))
			word.n--;
		if (!address_normalize(word, each) || (count > 0 && strcmp(each, out) == 0))
			continue;
		memcpy(out, each, sizeof(each));
		count++;
	}
	return count == 1;
}

bool login_address_main(struct span words, struct span user, struct span email, bool is_known,
			char out[ADDRESS_MAX + 1])
{
	char login[ADDRESS_MAX + 1], given[ADDRESS_MAX + 1], found[ADDRESS_MAX + 1];

	if (!address_normalize(user, login) || !address_normalize(email, given) ||
	    strcmp(login, given) != 0 || !only_address(behind_code(words), found) ||
	    strcmp(found, given) == 0)
		return false;
	if (!is_known && strcmp(domain_of(found), domain_of(given)) != 0)
		return false;
	memcpy(out, found, sizeof(found));
	return true;
}
