#include "common/store/nodes.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/code.h"

#define BACKOFF_FIRST_MS 20
#define BACKOFF_LAST_MS 1000
#define ADDRESS_BYTES 320

void nodes_init(struct nodes *nodes, const char *address, const char *password_file,
		const char *client_name)
{
	*nodes = (struct nodes){.password_file = password_file, .client_name = client_name};
	nodes->items[0].conn = conn_new(address, password_file, client_name);
	nodes->count = 1;
}

void nodes_fini(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		conn_free(&nodes->items[i].conn);
	free(nodes->slots);
	*nodes = (struct nodes){0};
}

int64_t nodes_backoff_ms(unsigned failures)
{
	int64_t ms = BACKOFF_FIRST_MS;
	uint16_t r;

	for (unsigned i = 1; i < failures && ms < BACKOFF_LAST_MS; i++)
		ms *= 2;
	if (ms > BACKOFF_LAST_MS)
		ms = BACKOFF_LAST_MS;
	random_bytes(&r, sizeof(r));
	return ms / 2 + (ms / 2) * r / UINT16_MAX;
}

uint8_t nodes_for(const struct nodes *nodes, const struct store_command *command)
{
	if (!nodes->slots)
		return nodes->seed;
	int slot = route_command_slot(command);

	if (slot == ROUTE_NO_SLOT || nodes->slots[slot] == NODES_NONE)
		return nodes->seed;
	return nodes->slots[slot];
}

enum err_code nodes_ready(struct nodes *nodes, uint8_t node, int64_t deadline_ms, struct err *e)
{
	struct nodes_item *item = &nodes->items[node];

	if (conn_is_open(item->conn))
		return ERR_OK;
	if (clock_mono_ms() < item->retry_at_ms)
		return ERR_TEMP; /* e keeps the reason of the failure */
	enum err_code code = conn_open(item->conn, deadline_ms, e);

	if (code == ERR_OK) {
		item->failures = 0;
		return ERR_OK;
	}
	item->failures++;
	item->retry_at_ms = clock_mono_ms() + nodes_backoff_ms(item->failures);
	nodes_distrust(nodes, node);
	return code;
}

void nodes_distrust(struct nodes *nodes, uint8_t node)
{
	conn_close(nodes->items[node].conn);
	for (size_t i = 0; nodes->slots && i < ROUTE_SLOTS; i++)
		if (nodes->slots[i] == node)
			nodes->slots[i] = NODES_NONE;
	if (nodes->seed == node)
		nodes->seed = (uint8_t)((node + 1) % nodes->count);
}

void nodes_trim(struct nodes *nodes)
{
	if (nodes->count < NODES_MAX)
		return;
	for (size_t i = 1; i < nodes->count; i++)
		conn_free(&nodes->items[i].conn);
	memset(&nodes->items[1], 0, sizeof(nodes->items) - sizeof(nodes->items[0]));
	if (nodes->slots)
		memset(nodes->slots, NODES_NONE, ROUTE_SLOTS);
	nodes->count = 1;
	nodes->seed = 0;
}

static uint8_t find(struct nodes *nodes, const char *address)
{
	for (uint8_t i = 0; i < nodes->count; i++)
		if (strcmp(conn_address(nodes->items[i].conn), address) == 0)
			return i;
	if (nodes->count == NODES_MAX)
		return NODES_NONE;
	nodes->items[nodes->count].conn =
		conn_new(address, nodes->password_file, nodes->client_name);
	return nodes->count++;
}

/* Where a redirection without a host leads: to the host that answered, at another port. */
static struct span host_of(const struct nodes *nodes, uint8_t node)
{
	struct span address = span_cstr(conn_address(nodes->items[node].conn));

	if (!span_istarts(address, SPAN_LIT("tcp:")))
		return SPAN_LIT("127.0.0.1");
	size_t end = address.n;

	while (end > 4 && address.p[end - 1] != ':')
		end--;
	return span_sub(address, 4, end - 5);
}

uint8_t nodes_redirect(struct nodes *nodes, uint8_t from, const struct route_redirect *redirect)
{
	struct span host = redirect->host.n > 0 ? redirect->host : host_of(nodes, from);
	char address[ADDRESS_BYTES];
	int n = snprintf(address, sizeof(address), "tcp:%.*s:%u", (int)host.n, (const char *)host.p,
			 (unsigned)redirect->port);

	if (n < 0 || (size_t)n >= sizeof(address))
		return from;
	if (!nodes->slots) {
		nodes->slots = malloc(ROUTE_SLOTS);
		if (!nodes->slots)
			abort();
		memset(nodes->slots, NODES_NONE, ROUTE_SLOTS);
	}
	uint8_t node = find(nodes, address);

	if (node == NODES_NONE)
		return from;
	if (!redirect->ask)
		nodes->slots[redirect->slot] = node;
	return node;
}
