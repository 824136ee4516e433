#include "cli/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

bool cli_become(const char *user, struct mlops_error *error)
{
	const struct passwd *entry = getpwnam(user);

	if (entry == NULL)
		return mlops_error_set(error, MLOPS_CONFIG, "--user: this machine has no user '%.100s'", user);
	if (getuid() == entry->pw_uid && geteuid() == entry->pw_uid)
		return true;
	if (initgroups(user, entry->pw_gid) != 0 || setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) != 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) != 0)
		return mlops_error_set(error, MLOPS_DENIED, "--user %.100s: %s", user, strerrordesc_np(errno));
	return true;
}
