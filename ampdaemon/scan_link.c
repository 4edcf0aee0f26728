/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/scan_link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ampdaemon/obituary.h"
#include "io/channel.h"
#include "io/clock.h"
#include "io/late_close.h"
#include "io/log.h"
#include "io/peer.h"
#include "wire/session_rules.h"

#define QUEUE_BYTES (16u << 10) /* a dozen ScanJobs; a worker holds fewer */

struct worker_link {
	struct scan_link *owner;
	uint64_t worker; /* 0: the place is free */
	uint64_t incarnation;
	struct channel *channel;
	struct session session;
	int64_t pid;
	int pidfd;
	enum death_cause
		cause; /* that the end of the channel will have, DEATH_CRASH unless known better */
	uint32_t canary_us;
	bool lacks_wall;
	bool mourned;    /* its obituary is written */
	bool has_status; /* the parent's word was quicker than the end of the channel */
	uint32_t status;
	char detail[LIMIT_DETAIL_BYTES + 1];
};

struct scan_link {
	uv_loop_t *loop;
	struct supervisor *supervisor;
	struct obituaries *obituaries;
	struct scan_link_callbacks callbacks;
	void *context;
	struct wire_arena *arena;
	struct worker_link workers[LIMIT_WORKERS];
	uint64_t violations;
	bool is_leaving; /* for the next image: the digest desk is gone */
};

static struct worker_link *find(struct scan_link *link, uint64_t worker)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (link->workers[i].worker == worker)
			return &link->workers[i];
	}
	return NULL;
}

static void write_obituary(struct worker_link *w, enum death_cause cause)
{
	struct scan_link *link = w->owner;
	struct obituary_notice notice = {.worker = w->worker,
					 .incarnation = w->incarnation,
					 .pid = (uint32_t)w->pid,
					 .cause = cause,
					 .has_status = w->has_status,
					 .status = w->status,
					 .detail = w->detail,
					 .file = -1};

	if (!death_cause_is_failure(cause) || w->mourned)
		return;
	w->mourned = true;
	notice.last_words = supervisor_look(link->supervisor, w->incarnation).last_words;
	notice.path = link->callbacks.in_hand(link->context, w->worker, &notice.job,
					      &notice.attempt, &notice.file);
	if (link->is_leaving)
		notice.file = -1; /* nobody is there to hash it any more */
	obituaries_open(link->obituaries, &notice);
}

void scan_link_note_exit(struct scan_link *link, uint64_t worker, uint32_t status)
{
	struct worker_link *w = worker ? find(link, worker) : NULL; /* 0 would find a free place */

	obituaries_note_exit(link->obituaries, worker, status);
	/* The end of the job channel says it surely and comes by itself; the parent's word alone ends nobody. */
	if (w && !w->mourned) {
		w->has_status = true;
		w->status = status;
	}
}

/* ---- ends ---- */

static void release(struct worker_link *w)
{
	w->channel = channel_free(w->channel);
	if (w->pidfd >= 0)
		close(w->pidfd);
	*w = (struct worker_link){.owner = w->owner, .pidfd = -1};
}

static void end(struct worker_link *w, enum death_cause cause)
{
	struct scan_link *link = w->owner;
	uint64_t worker = w->worker;

	write_obituary(w, cause);
	release(w);
	link->callbacks.on_gone(link->context, worker, cause);
}

static void kill_process(const struct worker_link *w)
{
	if (w->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL,
			      0); /* ESRCH: it has ended */
}

static void lied(struct worker_link *w, const char *why)
{
	w->owner->violations++;
	log_security("scan worker %lld broke the protocol: %s; it is killed", (long long)w->pid,
		     why);
	(void)snprintf(w->detail, sizeof(w->detail), "%s", why);
	kill_process(w);
	end(w, DEATH_VIOLATION);
}

/* The service is the first process of the workers' namespace: the kernel closes what it had, and then ends them. So a worker
 * that ended with it never is seen to end before the service's line has hung up; it may well be heard before, when an answer of
 * its own waited in front of the end. One that the parent had reported really failed. */
static bool went_with_its_service(const struct worker_link *w)
{
	return (w->cause == DEATH_CRASH || w->cause == DEATH_NOT_READY) && !w->has_status &&
	       supervisor_look(w->owner->supervisor, w->incarnation).has_hung_up;
}

static void on_end(void *context, int error)
{
	struct worker_link *w = context;

	if (error == -EPROTO || error == -EMSGSIZE) {
		lied(w,
		     error == -EPROTO ? "a packet with descriptors" : "a packet that is too long");
		return;
	}
	/* Before hello it did not die of a job. */
	if (w->cause == DEATH_CRASH && w->session.phase == 0)
		w->cause = DEATH_NOT_READY;
	if (went_with_its_service(w))
		w->cause = DEATH_SERVICE;
	/* One that really ends is past all signals. One that only hung up would keep its place for ever. */
	kill_process(w);
	end(w, w->cause);
}

/* ---- what it says ---- */

static void note_walls(struct worker_link *w, const struct from_worker *message)
{
	for (unsigned i = 0; i < message->hello.n_walls; i++) {
		const struct wall_report *wall = &message->hello.walls[i];

		if (wall->state != WALL_STATE_BREACHED)
			continue;
		w->lacks_wall = true;
		log_security("scan worker %lld: wall %s is breached: %s", (long long)w->pid,
			     wall_name(wall->id), wall->detail);
	}
}

/* The kernel says who sent the hello; from here on it can be killed without the parent's help. */
static void hear_hello(struct worker_link *w, const struct from_worker *message, int64_t pid)
{
	int off = 0;

	w->pid = pid;
	w->pidfd = peer_pidfd(channel_socket(w->channel), pid);
	if (w->pidfd < 0) {
		(void)snprintf(w->detail, sizeof(w->detail),
			       "it was gone when it was looked for: %s", strerror(-w->pidfd));
		end(w, DEATH_NOT_READY);
		return;
	}
	/* A messenger that ends after it would leave us the number of a process that is not the worker's. */
	if (peer_parent_of_process(pid) !=
	    supervisor_look(w->owner->supervisor, w->incarnation).pid) {
		lied(w, "a hello from a process that the service did not fork");
		return;
	}
	(void)setsockopt(channel_socket(w->channel), SOL_SOCKET, SO_PASSCRED, &off,
			 sizeof(off)); /* only a cost */
	w->canary_us = message->hello.canary_us;
	note_walls(w, message);
	if (w->lacks_wall) {
		kill_process(w);
		end(w, DEATH_NOT_READY);
		return;
	}
	w->owner->callbacks.on_ready(w->owner->context, w->worker);
}

/* Its last word: nothing may follow, so it is not waited for. One that stayed would keep what it holds from the others. */
static void hear_notice(struct worker_link *w, const struct from_worker *message)
{
	(void)snprintf(w->detail, sizeof(w->detail), "%s: %s",
		       worker_reason_name(message->notice.reason), message->notice.detail);
	kill_process(w);
	end(w, DEATH_NOTICE);
}

static void hear(struct worker_link *w, const struct from_worker *message, int64_t pid)
{
	switch (message->kind) {
	case FROM_WORKER_HELLO:
		hear_hello(w, message, pid);
		break;
	case FROM_WORKER_RESULT:
		if (w->owner->callbacks.on_result(w->owner->context, w->worker, &message->result))
			lied(w, "an answer to a job that it does not have in hand");
		break;
	case FROM_WORKER_NOTICE:
		hear_notice(w, message);
		break;
	}
}

static void on_packet(void *context, const void *packet, size_t len, const struct packet_meta *meta)
{
	struct worker_link *w = context;
	struct from_worker message;
	const char *why = "";

	late_close(meta->fd);
	if (from_worker_decode(w->owner->arena, packet, len, &message, &why) ||
	    session_admit(&w->session, message.kind, meta->fd >= 0, &why))
		lied(w, why);
	else if (message.incarnation != w->incarnation || message.worker != w->worker)
		lied(w, "a message in another worker's name");
	else
		hear(w, &message, meta->pid);
}

static const struct channel_callbacks worker_callbacks = {.on_packet = on_packet, .on_end = on_end};

/* ---- outside ---- */

struct scan_link *scan_link_new(uv_loop_t *loop, struct supervisor *supervisor,
				struct digest_desk *digests,
				const struct scan_link_callbacks *callbacks, void *context)
{
	struct scan_link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->arena = wire_arena_new();
	link->obituaries = obituaries_new(loop, digests, callbacks->on_certificate, context);
	if (!link->arena || !link->obituaries) {
		link->obituaries = obituaries_free(link->obituaries);
		wire_arena_free(link->arena);
		free(link);
		return NULL;
	}
	link->loop = loop;
	link->supervisor = supervisor;
	link->callbacks = *callbacks;
	link->context = context;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++)
		link->workers[i] = (struct worker_link){.owner = link, .pidfd = -1};
	return link;
}

struct scan_link *scan_link_free(struct scan_link *link)
{
	if (!link)
		return NULL;
	scan_link_forget_all(link);
	link->obituaries = obituaries_free(link->obituaries);
	wire_arena_free(link->arena);
	free(link);
	return NULL;
}

static int open_channel(struct worker_link *w, int *ret_theirs)
{
	int pair[2], on = 1, r = packet_pair(pair);

	if (r)
		return r;
	if (setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on))) {
		r = -errno;
		close(pair[0]);
		close(pair[1]);
		return r;
	}
	w->channel = channel_new(w->owner->loop, pair[0], &worker_callbacks, w, QUEUE_BYTES);
	if (!w->channel) {
		close(pair[1]);
		return -ENOMEM;
	}
	*ret_theirs = pair[1];
	return 0;
}

void scan_link_order(struct scan_link *link, uint64_t worker, uint64_t incarnation)
{
	struct worker_link *w = find(link, 0);
	int theirs = -1, r;

	if (!w) { /* the dispatcher orders no more than there are places */
		link->callbacks.on_gone(link->context, worker, DEATH_NOT_READY);
		return;
	}
	w->worker = worker;
	w->incarnation = incarnation;
	w->cause = DEATH_CRASH;
	session_init(&w->session, &rules_from_worker);
	r = open_channel(w, &theirs);
	if (!r) {
		r = supervisor_spawn_worker(link->supervisor, incarnation, worker, theirs);
		close(theirs);
	}
	if (!r)
		return;
	log_warning("scan worker cannot be ordered: %s; it is tried again", strerror(-r));
	release(w);
	link->callbacks.on_gone(link->context, worker, DEATH_NOT_READY);
}

int scan_link_send(struct scan_link *link, uint64_t worker, job_id job, int fd)
{
	struct worker_link *w = find(link, worker);
	struct scan_job message = {.job = job};
	uint8_t packet[64];
	ssize_t len = scan_job_encode(&message, packet, sizeof(packet));
	int r;

	if (!w)
		return -ENOTCONN;
	r = len < 0 ? (int)len : channel_send(w->channel, packet, (size_t)len, fd);
	if (!r)
		obituaries_note_handover(link->obituaries, job);
	return r;
}

void scan_link_settled(struct scan_link *link, job_id job)
{
	obituaries_note_settled(link->obituaries, job);
}

void scan_link_kill(struct scan_link *link, uint64_t worker, enum death_cause cause)
{
	struct worker_link *w = find(link, worker);

	if (!w) { /* never told of it: then it is gone */
		link->callbacks.on_gone(link->context, worker, cause);
		return;
	}
	w->cause = cause;
	write_obituary(w,
		       cause); /* now, while the desk still has the file that it was killed for */
	kill_process(w);
	/* Nothing that it may still have said is waited for: a channel that missed a deadline is dead. */
	channel_end(w->channel, 0);
}

/* It holds nothing, so its end need not be gentle, and a worker that is deaf to end-of-file does not linger. */
void scan_link_retire(struct scan_link *link, uint64_t worker)
{
	scan_link_kill(link, worker, DEATH_REQUESTED);
}

void scan_link_forget(struct scan_link *link, uint64_t incarnation)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (link->workers[i].worker && link->workers[i].incarnation == incarnation)
			release(&link->workers[i]);
	}
}

/* ---- restart in place ---- */

static bool can_go_on(const struct worker_link *w, uint64_t incarnation)
{
	return w->worker && w->incarnation == incarnation && w->pidfd >= 0 &&
	       w->cause == DEATH_CRASH && !w->mourned && !w->has_status &&
	       channel_queued(w->channel) == 0;
}

static void hand_over(struct worker_link *w, struct worker_handover *ret_worker)
{
	*ret_worker = (struct worker_handover){
		.worker = w->worker,
		.incarnation = w->incarnation,
		.pid = w->pid,
		.pidfd = w->pidfd,
		.channel = channel_release(w->channel),
		.canary_us = w->canary_us,
		.phase = w->session.phase,
		.seen = w->session.seen,
	};
	*w = (struct worker_link){.owner = w->owner, .pidfd = -1};
}

/* Those that are dead by their parent's word, or were killed for something, and whose channel has not told yet. */
static void mourn_the_dead(struct scan_link *link)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker_link *w = &link->workers[i];

		if (w->worker && (w->has_status || w->cause != DEATH_CRASH))
			write_obituary(w, w->cause);
	}
}

unsigned scan_link_hand_over(struct scan_link *link, uint64_t incarnation,
			     struct worker_handover *workers, unsigned max)
{
	unsigned n = 0;

	link->is_leaving = true;
	mourn_the_dead(link);
	link->obituaries = obituaries_free(link->obituaries);
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker_link *w = &link->workers[i];

		if (n < max && can_go_on(w, incarnation)) {
			hand_over(w, &workers[n++]);
		} else if (w->worker) {
			kill_process(w);
			release(w);
		}
	}
	return n;
}

/* Its hello was heard by the image before this one, that no other process speaks for it was checked there. */
static int take_over(struct worker_link *w, const struct worker_handover *worker)
{
	if (fcntl(worker->pidfd, F_SETFD, FD_CLOEXEC) ||
	    fcntl(worker->channel, F_SETFD, FD_CLOEXEC))
		return -errno;
	session_init(&w->session, &rules_from_worker);
	w->session.phase = worker->phase;
	w->session.seen = worker->seen;
	w->worker = worker->worker;
	w->incarnation = worker->incarnation;
	w->cause = DEATH_CRASH;
	w->pid = worker->pid;
	w->pidfd = worker->pidfd;
	w->canary_us = worker->canary_us;
	return 0;
}

int scan_link_adopt(struct scan_link *link, const struct worker_handover *worker)
{
	struct worker_link *w = find(link, 0);
	int r = w ? take_over(w, worker) : -ENOSPC;

	if (r) {
		close(worker->channel);
		close(worker->pidfd);
		return r;
	}
	w->channel = channel_new(link->loop, worker->channel, &worker_callbacks, w, QUEUE_BYTES);
	if (w->channel)
		return 0;
	release(w);
	return -ENOMEM;
}

void scan_link_forget_all(struct scan_link *link)
{
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		if (link->workers[i].worker)
			release(&link->workers[i]);
	}
}

unsigned scan_link_facts(const struct scan_link *link, struct worker_facts *facts, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; i < LIMIT_WORKERS && n < max; i++) {
		const struct worker_link *w = &link->workers[i];

		if (w->worker)
			facts[n++] = (struct worker_facts){.worker = w->worker,
							   .pid = (uint32_t)w->pid,
							   .canary_us = w->canary_us,
							   .lacks_wall = w->lacks_wall};
	}
	return n;
}

uint64_t scan_link_violations(const struct scan_link *link)
{
	return link->violations;
}
