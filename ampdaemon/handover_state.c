/* SPDX-License-Identifier: GPL-2.0-only */
#include "ampdaemon/handover_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_BYTES (8u << 20) /* twice what the largest can be */
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static uint8_t packet[HANDOVER_FRAME_BYTES + LIMIT_PACKET_BYTES]; /* of the loop thread */

/* ---- out ---- */

static int put(int fd, const struct handover_record *record)
{
	ssize_t written;
	ssize_t len =
		handover_record_encode(record, packet + HANDOVER_FRAME_BYTES, LIMIT_PACKET_BYTES);

	if (len < 0)
		return (int)len;
	handover_frame_put(packet, (size_t)len);
	len += HANDOVER_FRAME_BYTES;
	written = write(fd, packet, (size_t)len);
	if (written == len)
		return 0;
	return written < 0 ? -errno : -ENOSPC;
}

static void describe_service(const struct service_handover *in, struct handover_service *out)
{
	*out = (struct handover_service){
		.incarnation = in->incarnation,
		.pings = in->pings,
		.pid = in->pid,
		.pidfd = in->pidfd,
		.channel = in->channel,
		.last_words = in->last_words,
		.uid = in->uid,
		.gid = in->gid,
		.as_root = in->as_root,
		.source = in->source,
		.generation = in->generation,
		.starts = in->starts,
		.up_since = in->up_since,
		.phase = in->phase,
		.seen = in->seen,
		.engine = in->report.engine,
		.n_walls = in->report.n_walls,
		.n_files = in->report.n_files,
		.ready = in->report.ready,
	};
	memcpy(out->walls, in->report.walls, sizeof(out->walls));
	memcpy(out->files, in->report.files, sizeof(out->files));
}

static int put_all(int fd, const struct handover *handover)
{
	struct handover_record record = {.kind = HANDOVER_HEAD, .head = handover->head};
	int r = put(fd, &record);

	if (!r && handover->has_service) {
		record.kind = HANDOVER_SERVICE;
		describe_service(&handover->service, &record.service);
		r = put(fd, &record);
	}
	for (unsigned i = 0; !r && i < handover->n_workers; i++) {
		record = (struct handover_record){.kind = HANDOVER_WORKER,
						  .worker = handover->workers[i]};
		r = put(fd, &record);
	}
	for (unsigned i = 0; !r && i < handover->n_scans; i++) {
		record =
			(struct handover_record){.kind = HANDOVER_SCAN, .scan = handover->scans[i]};
		r = put(fd, &record);
	}
	record = (struct handover_record){.kind = HANDOVER_END};
	record.end.workers = handover->n_workers;
	record.end.scans = handover->n_scans;
	return r ? r : put(fd, &record);
}

int handover_state_write(const struct handover *handover)
{
	int r, fd = memfd_create("ampdaemon-handover", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	r = put_all(fd, handover);
	if (!r && fcntl(fd, F_ADD_SEALS, SEALS))
		r = -errno;
	if (!r)
		return fd;
	close(fd);
	return r;
}

/* ---- in ---- */

static void keep_text(const char *text, char *place, size_t size)
{
	(void)snprintf(place, size, "%s", text); /* the decoder has bounded it */
}

static int take_head(struct handover *h, const struct handover_head *head, const char **ret_why)
{
	if (h->head.version) {
		*ret_why = "two heads";
		return -EBADMSG;
	}
	if (memchr(head->run_dir.data, '\0', head->run_dir.len)) {
		*ret_why = "a directory with a NUL";
		return -EBADMSG;
	}
	h->head = *head;
	keep_text(head->program, h->program, sizeof(h->program));
	keep_text(head->reason, h->reason, sizeof(h->reason));
	memcpy(h->run_dir, head->run_dir.data, head->run_dir.len);
	h->run_dir[head->run_dir.len] = '\0';
	h->head.program = h->program;
	h->head.reason = h->reason;
	h->head.run_dir = span_of(h->run_dir, head->run_dir.len);
	return 0;
}

static void take_report(struct service_report *report, const struct handover_service *service)
{
	struct service_hello hello = {.engine = service->engine, .n_walls = service->n_walls};

	memcpy(hello.walls, service->walls, sizeof(hello.walls));
	service_report_begin(report);
	service_report_hello(report, &hello);
	for (unsigned i = 0; i < service->n_files; i++)
		service_report_file(report, &service->files[i]);
	report->ready = service->ready;
}

static int take_service(struct handover *h, const struct handover_service *in, const char **ret_why)
{
	if (h->has_service || in->source >= DEFINITION_SOURCE_COUNT) {
		*ret_why = "two services, or one with other definitions than we know";
		return -EBADMSG;
	}
	h->has_service = true;
	h->service = (struct service_handover){
		.incarnation = in->incarnation,
		.pings = in->pings,
		.pid = in->pid,
		.pidfd = in->pidfd,
		.channel = in->channel,
		.last_words = in->last_words,
		.uid = in->uid,
		.gid = in->gid,
		.as_root = in->as_root,
		.source = in->source,
		.generation = in->generation,
		.starts = in->starts,
		.up_since = in->up_since,
		.phase = in->phase,
		.seen = in->seen,
	};
	take_report(&h->service.report, in);
	return 0;
}

static int take_worker(struct handover *h, const struct worker_handover *worker,
		       const char **ret_why)
{
	if (!h->has_service || worker->incarnation != h->service.incarnation ||
	    h->n_workers == LIMIT_WORKERS) {
		*ret_why = "too many workers, or one of another service";
		return -EBADMSG;
	}
	h->workers[h->n_workers++] = *worker;
	return 0;
}

static int take_scan(struct handover *h, const struct scan_handover *scan, const char **ret_why)
{
	uint8_t *label;

	if (h->n_scans == HANDOVER_SCANS) {
		*ret_why = "too many scans";
		return -EBADMSG;
	}
	label = malloc(scan->counts.label.len + 1);
	if (!label) {
		*ret_why = "out of memory";
		return -ENOMEM;
	}
	if (scan->counts.label.len)
		memcpy(label, scan->counts.label.data, scan->counts.label.len);
	h->scans[h->n_scans] = *scan;
	h->scans[h->n_scans++].counts.label.data = label;
	return 0;
}

static int take(struct handover *h, const struct handover_record *record, const char **ret_why)
{
	if (!h->head.version && record->kind != HANDOVER_HEAD) {
		*ret_why = "no head";
		return -EBADMSG;
	}
	switch (record->kind) {
	case HANDOVER_HEAD:
		return take_head(h, &record->head, ret_why);
	case HANDOVER_SERVICE:
		return take_service(h, &record->service, ret_why);
	case HANDOVER_WORKER:
		return take_worker(h, &record->worker, ret_why);
	case HANDOVER_SCAN:
		return take_scan(h, &record->scan, ret_why);
	case HANDOVER_END:
	case HANDOVER_OTHER:
		break;
	}
	return 0;
}

unsigned handover_state_fds(struct handover *h, int *ret_places[HANDOVER_FDS])
{
	int *candidates[HANDOVER_FDS] = {&h->head.listening, &h->head.pid_lock};
	unsigned n = 2, n_open = 0;

	if (h->has_service) {
		candidates[n++] = &h->service.pidfd;
		candidates[n++] = &h->service.channel;
		candidates[n++] = &h->service.last_words;
	}
	for (unsigned i = 0; i < h->n_workers; i++) {
		candidates[n++] = &h->workers[i].pidfd;
		candidates[n++] = &h->workers[i].channel;
	}
	for (unsigned i = 0; i < n; i++) {
		if (*candidates[i] >= 0)
			ret_places[n_open++] = candidates[i];
	}
	return n_open;
}

static bool is_unique(struct handover *h)
{
	int *places[HANDOVER_FDS];
	unsigned n = handover_state_fds(h, places);

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < i; k++) {
			if (*places[i] == *places[k])
				return false;
		}
	}
	return true;
}

static int check_end(struct handover *h, const struct handover_record *last, const char **ret_why)
{
	*ret_why = "it is cut short";
	if (last->kind != HANDOVER_END || last->end.workers != h->n_workers ||
	    last->end.scans != h->n_scans)
		return -EBADMSG;
	*ret_why = "a descriptor is named twice";
	return is_unique(h) ? 0 : -EBADMSG;
}

static int read_records(struct span state, struct handover *h, const char **ret_why)
{
	struct wire_arena *arena = wire_arena_new();
	struct handover_record record = {.kind = HANDOVER_OTHER};
	struct span bytes;
	size_t offset = 0;
	int r = arena ? 0 : -ENOMEM;

	*ret_why = "it is cut short";
	while (!r) {
		r = handover_frame_next(state, &offset, &bytes);
		if (!r)
			r = handover_record_decode(arena, bytes.data, bytes.len, &record, ret_why);
		if (!r)
			r = take(h, &record, ret_why);
	}
	wire_arena_free(arena);
	return r == -ENODATA ? check_end(h, &record, ret_why) : r;
}

int handover_state_read(int fd, struct handover *h, const char **ret_why)
{
	struct stat st;
	void *map;
	int r;

	memset(h, 0, sizeof(*h));
	h->head.listening = h->head.pid_lock = -1;
	*ret_why = "it is no sealed memory";
	if (fcntl(fd, F_GET_SEALS) != SEALS || fstat(fd, &st) || st.st_size <= 0 ||
	    st.st_size > STATE_BYTES)
		return -EBADF;
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	*ret_why = "it cannot be mapped";
	if (map == MAP_FAILED)
		return -errno;
	r = read_records(span_of(map, (size_t)st.st_size), h, ret_why);
	(void)munmap(map, (size_t)st.st_size); /* cannot fail */
	return r;
}
