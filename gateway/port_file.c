#include "gateway/port_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_OCTETS 4096

static void path_make(char path[PATH_OCTETS], const char *dir, const char *instance)
{
	snprintf(path, PATH_OCTETS, "%s/run/%s.port", dir, instance);
}

enum err_code port_file_write(const char *dir, const char *instance, uint16_t port, struct err *e)
{
	char path[PATH_OCTETS], temporary[PATH_OCTETS + 8], text[16];
	int fd, n = snprintf(text, sizeof(text), "%u\n", (unsigned)port);
	bool ok;

	snprintf(path, sizeof(path), "%s/run", dir);
	if (mkdir(path, 0750) != 0 && errno != EEXIST)
		return err_set(e, ERR_PERM, ERR_PROCESS, "run_dir", "cannot make %.160s: %s", path,
			       strerror(errno));
	path_make(path, dir, instance);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	ok = fd >= 0 && write(fd, text, (size_t)n) == n;
	if (fd >= 0)
		close(fd);
	if (ok && rename(temporary, path) == 0)
		return ERR_OK;
	return err_set(e, ERR_PERM, ERR_PROCESS, "port_file", "cannot write %.160s: %s", path,
		       strerror(errno));
}

void port_file_remove(const char *dir, const char *instance)
{
	char path[PATH_OCTETS];

	path_make(path, dir, instance);
	unlink(path);
}
