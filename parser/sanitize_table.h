/* sanitize_table: which elements and attributes of HTML pass the sanitizer. */
#ifndef MW_PARSER_SANITIZE_TABLE_H
#define MW_PARSER_SANITIZE_TABLE_H

#include <gumbo.h>
#include <stdbool.h>

enum sanitize_element {
	SANITIZE_UNWRAP = 0, /* the element goes, what is in it stays */
	SANITIZE_KEEP,
	SANITIZE_KEEP_VOID, /* no end tag */
	SANITIZE_DROP, /* with all that is in it */
};

enum sanitize_element sanitize_table_element(GumboTag tag);
/* Attributes whose value is plain text, a number, a colour or a key word: safe whatever they hold. */
bool sanitize_table_attribute(const char *name);

#endif
