#include "common/conf/table.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1u << 20)

static enum err_code line_bad(const char *where, const char *what, struct err *e)
{
	return err_set(e, ERR_PERM, ERR_PROCESS, "file_bad", "%s: %s", where, what);
}

/* `[name]` → whether the lines that follow count. */
static enum err_code section(const struct conf_table *table, struct span line, const char *where,
			     bool *counts_out, struct err *e)
{
	struct span name;

	if (line.n < 3 || line.p[line.n - 1] != ']')
		return line_bad(where, "a section is [program]", e);
	name = span_trim(span_sub(line, 1, line.n - 2));
	for (size_t i = 0; i < name.n; i++)
		if (!(name.p[i] >= 'a' && name.p[i] <= 'z') && name.p[i] != '-')
			return line_bad(where, "a section is [program]", e);
	*counts_out = span_eq(name, span_cstr(table->program));
	return ERR_OK;
}

enum err_code conf_file_parse(struct conf_table *table, struct span text, const char *path,
			      struct err *e)
{
	enum err_code code = ERR_OK;
	bool counts = true;

	for (unsigned number = 1; text.n && code == ERR_OK; number++) {
		size_t end = span_find_byte(text, '\n');
		struct span line = span_trim(span_sub(text, 0, end));
		const char *where = arena_printf(table->arena, "%s:%u", path, number);
		size_t equals = span_find_byte(line, '=');

		text = span_sub(text, end + 1, text.n);
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (line.p[0] == '[')
			code = section(table, line, where, &counts, e);
		else if (equals == line.n || equals == 0)
			code = line_bad(where, "a line is: name = value", e);
		else if (counts)
			code = conf_table_set(table, span_trim(span_sub(line, 0, equals)),
					      span_trim(span_sub(line, equals + 1, line.n)), where,
					      e);
	}
	return code;
}

enum err_code conf_file_read(struct conf_table *table, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum err_code code = ERR_OK;
	struct buf text;
	ssize_t got = 1;

	if (fd < 0)
		return err_set(e, ERR_PERM, ERR_PROCESS, "file_unreadable", "cannot open %s: %s",
			       path, strerror(errno));
	buf_init(&text, FILE_BYTES_MAX);
	while (got > 0 && buf_reserve(&text, 4096)) {
		got = read(fd, text.p + text.n, 4096);
		if (got > 0)
			text.n += (size_t)got;
		else if (got < 0 && errno == EINTR)
			got = 1;
	}
	if (got < 0)
		code = err_set(e, ERR_PERM, ERR_PROCESS, "file_unreadable", "cannot read %s: %s",
			       path, strerror(errno));
	else if (!buf_ok(&text))
		code = err_set(e, ERR_PERM, ERR_PROCESS, "file_bad", "%s is over 1 MiB", path);
	else
		code = conf_file_parse(table, buf_span(&text), path, e);
	close(fd);
	buf_fini(&text);
	return code;
}
