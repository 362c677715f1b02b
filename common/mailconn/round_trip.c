/* Apart, as the C library's <netinet/tcp.h> knows an older tcp_info. */
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>

#include "common/mailconn/mailconn.h"

int64_t mailconn_round_trip_us(const struct mailconn *conn)
{
	struct tcp_info info = {0};
	socklen_t n = sizeof(info);
	const size_t least = offsetof(struct tcp_info, tcpi_min_rtt) + sizeof(info.tcpi_min_rtt);

	if (getsockopt(mailconn_fd(conn), IPPROTO_TCP, TCP_INFO, &info, &n) || n < least)
		return 0;
	return info.tcpi_min_rtt;
}
