#include "common/secret/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common/base/code.h"

#define CREDENTIALS_PRIVATE "credentials.key"
#define CREDENTIALS_PUBLIC "credentials.pub"

static enum err_code fail(struct err *e, enum err_code code, const char *name, const char *path,
			  const char *what)
{
	return err_set(e, code, ERR_PROCESS, name, "%s: %s", path, what);
}

static enum err_code fail_errno(struct err *e, const char *path, const char *what)
{
	enum err_code code = errno == ENOENT || errno == EACCES ? ERR_PERM : ERR_TEMP;

	return err_set(e, code, ERR_PROCESS, "key_file", "%s: %s: %s", path, what, strerror(errno));
}

static bool path_join(char out[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX;
}

/* Each missing folder of the path, mode 0700. */
static enum err_code make_dirs(const char *dir, struct err *e)
{
	char path[PATH_MAX];
	size_t n = strlen(dir);

	if (n == 0 || n >= sizeof(path))
		return fail(e, ERR_PERM, "keys_dir", dir, "not a usable path");
	memcpy(path, dir, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		char kept = path[i];

		path[i] = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return fail_errno(e, path, "cannot be made");
		path[i] = kept;
	}
	return ERR_OK;
}

static enum err_code dir_sync(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	enum err_code code = ERR_OK;

	if (fd < 0)
		return fail_errno(e, dir, "cannot be opened");
	if (fsync(fd) < 0)
		code = fail_errno(e, dir, "fsync");
	close(fd);
	return code;
}

static enum err_code write_synced(const char *path, const struct secret_key *key, mode_t mode,
				  struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail_errno(e, path, "cannot be made");
	ssize_t n = write(fd, key->b, sizeof(key->b));
	enum err_code code = ERR_OK;

	if (n >= 0 && (size_t)n != sizeof(key->b))
		errno = ENOSPC;
	if (n != (ssize_t)sizeof(key->b) || fchmod(fd, mode) < 0 || fsync(fd) < 0)
		code = fail_errno(e, path, "cannot be written");
	close(fd);
	if (code != ERR_OK)
		unlink(path);
	return code;
}

/*
 * A complete file appears under the name, or the one that is there stays: link(2) never replaces, so that of two
 * processes at once the first one's key counts for both.
 */
static enum err_code publish(const char *keys_dir, const char *name, const struct secret_key *key,
			     mode_t mode, struct err *e)
{
	char path[PATH_MAX], temporary[PATH_MAX], unique[64];
	uint64_t nonce;

	random_bytes(&nonce, sizeof(nonce));
	snprintf(unique, sizeof(unique), ".%s.%016llx", name, (unsigned long long)nonce);
	if (!path_join(path, keys_dir, name) || !path_join(temporary, keys_dir, unique))
		return fail(e, ERR_PERM, "keys_dir", keys_dir, "path too long");
	enum err_code code = write_synced(temporary, key, mode, e);

	if (code != ERR_OK)
		return code;
	if (link(temporary, path) < 0 && errno != EEXIST)
		code = fail_errno(e, path, "cannot be made");
	unlink(temporary);
	return code == ERR_OK ? dir_sync(keys_dir, e) : code;
}

static bool exists(const char *keys_dir, const char *name)
{
	char path[PATH_MAX];

	return path_join(path, keys_dir, name) && access(path, F_OK) == 0;
}

static void public_half(const struct secret_key *private_key, struct secret_key *public_out)
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key->b,
						     SECRET_KEY_BYTES);
	size_t n = SECRET_KEY_BYTES;

	if (!key || EVP_PKEY_get_raw_public_key(key, public_out->b, &n) != 1)
		abort();
	EVP_PKEY_free(key);
}

static enum err_code create_random(const char *keys_dir, const char *name, struct err *e)
{
	struct secret_key key;

	if (exists(keys_dir, name))
		return ERR_OK;
	random_bytes(key.b, sizeof(key.b));
	enum err_code code = publish(keys_dir, name, &key, 0600, e);

	secret_wipe(&key, sizeof(key));
	return code;
}

/* The public half is always derived from the private file that won. A public half alone is a gateway's host: left. */
static enum err_code create_pair(const char *keys_dir, struct err *e)
{
	struct secret_key private_key = {0}, derived, stored;
	enum err_code code = ERR_OK;
	bool alone = !exists(keys_dir, CREDENTIALS_PRIVATE) && exists(keys_dir, CREDENTIALS_PUBLIC);

	if (alone)
		return ERR_OK;
	code = create_random(keys_dir, CREDENTIALS_PRIVATE, e);
	if (code == ERR_OK)
		code = secret_load(keys_dir, CREDENTIALS_PRIVATE, &private_key, e);
	if (code != ERR_OK)
		return code;
	public_half(&private_key, &derived);
	secret_wipe(&private_key, sizeof(private_key));
	if (!exists(keys_dir, CREDENTIALS_PUBLIC))
		code = publish(keys_dir, CREDENTIALS_PUBLIC, &derived, 0644, e);
	if (code == ERR_OK)
		code = secret_load(keys_dir, CREDENTIALS_PUBLIC, &stored, e);
	if (code == ERR_OK && memcmp(stored.b, derived.b, sizeof(stored.b)) != 0)
		code = fail(e, ERR_PERM, "key_mismatch", keys_dir,
			    CREDENTIALS_PUBLIC " is not the public half of " CREDENTIALS_PRIVATE);
	return code;
}

enum err_code secret_create_keys(const char *keys_dir, struct err *e)
{
	enum err_code code = make_dirs(keys_dir, e);

	if (code == ERR_OK)
		code = create_random(keys_dir, "mail.key", e);
	if (code == ERR_OK)
		code = create_random(keys_dir, "token.key", e);
	if (code == ERR_OK)
		code = create_pair(keys_dir, e);
	return code;
}

static const char *file_name(const char *which)
{
	if (strcmp(which, "mail") == 0)
		return "mail.key";
	if (strcmp(which, "token") == 0)
		return "token.key";
	return which;
}

static enum err_code check_file(int fd, const char *path, bool is_public, struct err *e)
{
	struct stat st;
	mode_t forbidden = is_public ? 022 : 077;

	if (fstat(fd, &st) < 0)
		return fail_errno(e, path, "cannot be examined");
	if (!S_ISREG(st.st_mode) || st.st_size != SECRET_KEY_BYTES)
		return fail(e, ERR_PERM, "key_file", path, "not a key file of 32 bytes");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return fail(e, ERR_PERM, "key_file_owner", path, "belongs to another user");
	if ((st.st_mode & forbidden) != 0)
		return fail(e, ERR_PERM, "key_file_mode", path,
			    is_public ? "others may write it: chmod 0644"
				      : "others may read it: chmod 0600");
	return ERR_OK;
}

enum err_code secret_load(const char *keys_dir, const char *which, struct secret_key *key_out,
			  struct err *e)
{
	char path[PATH_MAX];
	const char *name = file_name(which);

	if (!path_join(path, keys_dir, name))
		return fail(e, ERR_PERM, "keys_dir", keys_dir, "path too long");
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return fail_errno(e, path, "cannot be opened");
	enum err_code code = check_file(fd, path, strcmp(name, CREDENTIALS_PUBLIC) == 0, e);

	if (code == ERR_OK && read(fd, key_out->b, SECRET_KEY_BYTES) != SECRET_KEY_BYTES)
		code = fail(e, ERR_TEMP, "key_file", path, "cannot be read whole");
	close(fd);
	return code;
}
