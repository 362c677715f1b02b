/*
 * egress: which addresses a program of ours may connect to on somebody's word: public ones. Names are not looked at:
 * what counts is the address that is connected to. Pure.
 */
#ifndef MW_GATEWAY_EGRESS_H
#define MW_GATEWAY_EGRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* False for loopback, private, shared, link-local, multicast, reserved and documentation ranges, for IPv6 addresses that
 * carry such an IPv4 address, and for families other than the two. address has the length that its family asks for. */
bool egress_is_public(const struct sockaddr *address);

#endif
