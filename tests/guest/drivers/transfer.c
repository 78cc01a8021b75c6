// SPDX-License-Identifier: GPL-2.0
/*
 * Moves data both ways between two domains, over libxenvchan or TCP, and checks
 * every word of it at either end.
 *
 *	transfer vchan-server DOMID PATH
 *	transfer vchan-client DOMID PATH MIB
 *	transfer tcp-server PORT		as many clients as come, one by one
 *	transfer tcp-client ADDRESS PORT MIB
 *	transfer data KIB SEED			the same kind of data, to its output
 *
 * The client says how much, sends it, then receives as much; its exit status is
 * 0 when all arrived unchanged at both ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libxenvchan.h>

#define CHUNK_WORDS 8192
#define VCHAN_RING (256 * 1024)
#define SECONDS_AT_MOST 300

/* What the client says first. */
struct request {
	uint64_t bytes;
	uint64_t seed;	/* of the client's data; the answer's is another one */
};

static struct libxenvchan *vchan;
static int fd = -1;

static void die(const char *what)
{
	fprintf(stderr, "transfer: %s: %s\n", what, errno ? strerror(errno) : "connection closed");
	exit(1);
}

static bool put(const void *data, size_t size)
{
	ssize_t done;

	for (; size; size -= done, data = (const char *)data + done) {
		done = vchan ? libxenvchan_write(vchan, data, size) : write(fd, data, size);
		if (done <= 0)
			return false;
	}
	return true;
}

static bool get(void *data, size_t size)
{
	ssize_t done;

	for (; size; size -= done, data = (char *)data + done) {
		done = vchan ? libxenvchan_read(vchan, data, size) : read(fd, data, size);
		if (done <= 0)
			return false;
	}
	return true;
}

/* xorshift: the next word of the data. */
static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool send_data(uint64_t bytes, uint64_t seed)
{
	static uint64_t chunk[CHUNK_WORDS];
	uint64_t part;
	size_t i;

	for (; bytes; bytes -= part) {
		part = bytes < sizeof(chunk) ? bytes : sizeof(chunk);
		for (i = 0; i < CHUNK_WORDS; i++)
			chunk[i] = next(&seed);
		if (!put(chunk, part))
			return false;
	}
	return true;
}

/* How many words are other ones than sent; -1 when the other side went away. */
static int64_t receive_data(uint64_t bytes, uint64_t seed)
{
	static uint64_t chunk[CHUNK_WORDS];
	uint64_t part;
	int64_t wrong = 0;
	size_t i;

	for (; bytes; bytes -= part) {
		part = bytes < sizeof(chunk) ? bytes : sizeof(chunk);
		if (!get(chunk, part))
			return -1;
		for (i = 0; i < CHUNK_WORDS; i++)
			wrong += next(&seed) != chunk[i] && i < part / sizeof(*chunk);
	}
	return wrong;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool ask(uint64_t bytes)
{
	struct request request = { bytes, 0x9e3779b97f4a7c15u ^ (uint64_t)getpid() };
	long begun = now_ms(), sent, received;
	int64_t there, here;

	if (!put(&request, sizeof(request)) || !send_data(bytes, request.seed) ||
	    !get(&there, sizeof(there)))
		die("sending");
	sent = now_ms();
	here = receive_data(bytes, ~request.seed);
	received = now_ms();
	if (!put(&here, sizeof(here)))
		die("receiving");
	printf("%" PRIu64 " bytes each way, sent in %ld ms, received in %ld ms, words wrong there %"
	       PRId64 ", here %" PRId64 "\n",
	       bytes, sent - begun, received - sent, there, here);
	return !there && !here;
}

static bool answer(void)
{
	struct request request;
	int64_t here, there;

	if (!get(&request, sizeof(request)))
		return false;
	here = receive_data(request.bytes, request.seed);
	if (!put(&here, sizeof(here)) || !send_data(request.bytes, ~request.seed) ||
	    !get(&there, sizeof(there)))
		return false;
	return !here && !there;
}

static int vchan_server(int domid, const char *path)
{
	bool fine;

	vchan = libxenvchan_server_init(NULL, domid, path, VCHAN_RING, VCHAN_RING);
	if (!vchan)
		die("no vchan server");
	vchan->blocking = 1;
	fine = answer();
	libxenvchan_close(vchan);
	return !fine;
}

static int vchan_client(int domid, const char *path, uint64_t bytes)
{
	bool fine;

	vchan = libxenvchan_client_init(NULL, domid, path);
	if (!vchan)
		die("no vchan client");
	vchan->blocking = 1;
	fine = ask(bytes);
	libxenvchan_close(vchan);
	return !fine;
}

static int tcp_server(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 8))
		die("listening");
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (!answer())
			fprintf(stderr, "transfer: a client was not served\n");
		close(fd);
	}
	die("accepting");
	return 1;
}

static int tcp_client(const char *where, int port, uint64_t bytes)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };

	fd = socket(AF_INET, SOCK_STREAM, 0);
	if (inet_pton(AF_INET, where, &address.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)))
		die("connecting");
	return !ask(bytes);
}

static int data(uint64_t bytes, uint64_t seed)
{
	fd = STDOUT_FILENO;
	return !send_data(bytes, seed + 1);
}

int main(int argc, char **argv)
{
	const char *role = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN);
	errno = 0;
	if (!strcmp(role, "data") && argc == 4)
		return data(strtoull(argv[2], NULL, 10) << 10, strtoull(argv[3], NULL, 10));
	if (!strcmp(role, "tcp-server") && argc == 3)
		return tcp_server(atoi(argv[2]));
	alarm(SECONDS_AT_MOST);	/* never waits for ever for the other side */
	if (!strcmp(role, "vchan-server") && argc == 4)
		return vchan_server(atoi(argv[2]), argv[3]);
	if (!strcmp(role, "vchan-client") && argc == 5)
		return vchan_client(atoi(argv[2]), argv[3], strtoull(argv[4], NULL, 10) << 20);
	if (!strcmp(role, "tcp-client") && argc == 5)
		return tcp_client(argv[2], atoi(argv[3]), strtoull(argv[4], NULL, 10) << 20);
	fprintf(stderr, "usage: transfer vchan-server DOMID PATH | vchan-client DOMID PATH MIB |\n"
		"       tcp-server PORT | tcp-client ADDRESS PORT MIB | data KIB SEED\n");
	return 2;
}
