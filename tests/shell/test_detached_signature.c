/* SPDX-License-Identifier: GPL-2.0-only */
/* Detached signatures: keys, certificates and signatures are made here, so that time can be chosen. */
#include "ampscansvc/detached_signature.h"

#include <CUnit/CUnit.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/test_directory.h"
#include "tests/support/unit_main.h"

#define CONTENT "ClamAV-VDB: some header, and a body\n"
#define DAY 86400L
#define YEAR (365 * DAY)

struct identity {
	EVP_PKEY *key;
	X509 *certificate;
};

static struct identity root, signer, other;
static char text[1 << 17], why[LIMIT_DETAIL_BYTES], anchors[4 * LIMIT_TRUST_ANCHOR_BYTES];
static size_t anchors_len;

static void set_name(X509_NAME *name, const char *common)
{
	CU_ASSERT_EQUAL_FATAL(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
							 (const unsigned char *)common, -1, -1, 0),
			      1);
}

static struct identity make(const char *name, const struct identity *issuer, long from, long to)
{
	static long serial;
	struct identity made = {.key = EVP_EC_gen("P-256"), .certificate = X509_new()};
	X509 *c = made.certificate;

	CU_ASSERT_PTR_NOT_NULL_FATAL(made.key);
	X509_set_version(c, 0);
	ASN1_INTEGER_set(X509_get_serialNumber(c), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(c), from);
	X509_gmtime_adj(X509_getm_notAfter(c), to);
	set_name(X509_get_subject_name(c), name);
	X509_set_issuer_name(c, X509_get_subject_name(issuer ? issuer->certificate : c));
	X509_set_pubkey(c, made.key);
	CU_ASSERT_FATAL(X509_sign(c, issuer ? issuer->key : made.key, EVP_sha256()) > 0);
	return made;
}

static struct identity drop(struct identity identity)
{
	X509_free(identity.certificate);
	EVP_PKEY_free(identity.key);
	return (struct identity){0};
}

static void trust_too(const struct identity *anchor)
{
	BIO *memory = BIO_new(BIO_s_mem());
	size_t len;
	char *pem;

	PEM_write_bio_X509(memory, anchor->certificate);
	len = (size_t)BIO_get_mem_data(memory, &pem);
	memcpy(anchors + anchors_len, pem, len);
	anchors_len += len;
	BIO_free(memory);
}

static void trust(const struct identity *anchor)
{
	anchors_len = 0;
	trust_too(anchor);
}

/* A line of a .sign over `content`, with a link of the chain beside the signer's certificate, or NULL. */
static char *sign_line_with(const struct identity *by, const struct identity *link,
			    const char *content, int flags)
{
	BIO *in = BIO_new_mem_buf(content, -1);
	STACK_OF(X509) *links = sk_X509_new_null();
	int n = link ? sk_X509_push(links, link->certificate) : 0;
	PKCS7 *signature = PKCS7_sign(by->certificate, by->key, links, in, flags | PKCS7_BINARY);
	unsigned char *der = NULL;
	int len = i2d_PKCS7(signature, &der);
	char *line = malloc((size_t)len * 2 + 64);
	int head = sprintf(line, "230::pkcs7-pem:");

	CU_ASSERT_FATAL(len > 0);
	(void)EVP_EncodeBlock((unsigned char *)line + head, der, len);
	OPENSSL_free(der);
	CU_ASSERT_EQUAL(n, link ? 1 : 0);
	sk_X509_free(links); /* not what is in it */
	PKCS7_free(signature);
	BIO_free(in);
	return line;
}

static char *sign_line(const struct identity *by, const char *content, int flags)
{
	return sign_line_with(by, NULL, content, flags);
}

static void write_sign(const char *first, const char *second)
{
	(void)snprintf(text, sizeof(text), "#clamsign-1.0\n%s\n%s\n", first, second);
	test_file("x.cvd.sign", text);
}

static void sign(const struct identity *by)
{
	char *line = sign_line(by, CONTENT, PKCS7_DETACHED);

	write_sign(line, "");
	free(line);
}

static enum detached_signature check(void)
{
	enum detached_signature state;
	char path[256];

	why[0] = '\0';
	(void)snprintf(path, sizeof(path), "%s", test_path("x.cvd"));
	state = detached_signature_check(path, test_path("x.cvd.sign"),
					 span_of(anchors, anchors_len), why);
	CU_ASSERT_EQUAL(!why[0], state == DETACHED_ABSENT || state == DETACHED_GOOD ||
					 state == DETACHED_UNHELD);
	return state;
}

static void begin(void)
{
	detached_signature_prepare();
	root = drop(root);
	signer = drop(signer);
	other = drop(other);
	root = make("root", NULL, -DAY, YEAR);
	signer = make("signer", &root, -DAY, YEAR);
	other = make("root of others", NULL, -DAY, YEAR);
	trust(&root);
	test_file("x.cvd", CONTENT);
	(void)unlink(test_path("x.cvd.sign"));
}

static void none_is_absent(void)
{
	begin();
	CU_ASSERT_EQUAL(check(), DETACHED_ABSENT);
}

static void one_by_a_trusted_signer_is_good(void)
{
	begin();
	sign(&signer);
	CU_ASSERT_EQUAL(check(), DETACHED_GOOD);
	sign(&root);
	CU_ASSERT_EQUAL(check(), DETACHED_GOOD);
}

static void a_byte_more_or_another_in_the_file_is_bad(void)
{
	begin();
	sign(&signer);
	test_file("x.cvd", CONTENT "\n");
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "does not verify"));
	test_file("x.cvd", "c" CONTENT);
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	test_file("x.cvd", "");
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	(void)unlink(test_path("x.cvd"));
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
}

static void one_by_a_stranger_is_bad(void)
{
	begin();
	sign(&other);
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "none of the trusted"));
	sign(&signer);
	trust(&other);
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
}

static void without_certificates_it_is_not_held(void)
{
	begin();
	sign(&signer);
	anchors_len = 0;
	CU_ASSERT_EQUAL(check(), DETACHED_UNHELD);
	anchors_len = (size_t)sprintf(anchors, "no certificate in here\n");
	CU_ASSERT_EQUAL(check(), DETACHED_UNHELD);
}

static void an_expired_certificate_has_a_sentence_of_its_own(void)
{
	begin();
	signer = drop(signer);
	signer = make("signer", &root, -2 * YEAR, -DAY);
	sign(&signer);
	CU_ASSERT_EQUAL(check(), DETACHED_EXPIRED);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "expired on 2"));
	test_file("x.cvd", "another");
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
}

static void an_expired_anchor_is_expired_too(void)
{
	begin();
	root = drop(root);
	root = make("root", NULL, -2 * YEAR, -DAY);
	signer = drop(signer);
	signer = make("signer", &root, -DAY, YEAR);
	trust(&root);
	sign(&signer);
	CU_ASSERT_EQUAL(check(), DETACHED_EXPIRED);
	trust(&other);
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
}

static void one_of_tomorrow_is_not_valid_yet(void)
{
	begin();
	signer = drop(signer);
	signer = make("signer", &root, DAY, YEAR);
	sign(&signer);
	CU_ASSERT_EQUAL(check(), DETACHED_EXPIRED);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "not valid yet"));
}

static void what_is_no_signature_is_bad(void)
{
	static const char *const bad[] = {
		"",
		"\n",
		"#clamsign-2.0\n",
		"#clamsign-1.1\n",
		"#clamsign-1.0-2\n",
		"\n#clamsign-1.0\n",
		"#clamsign-1.0\n",
		"#clamsign-1.0\n230::pkcs7-pem:\n",
		"#clamsign-1.0\n230::pkcs7-pem:AAAA\n",
		"#clamsign-1.0\n230::pkcs7-pem:====\n",
		"#clamsign-1.0\n230::other:AAAA\n",
		"#clamsign-1.0\n230:pkcs7-pem:AAAA\n",
		"#clamsign-1.0\n:::::\nno colon\n",
	};

	begin();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		test_file("x.cvd.sign", bad[i]);
		CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	}
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	test_file("x.cvd.sign", text);
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	(void)unlink(test_path("x.cvd.sign"));
	CU_ASSERT_EQUAL_FATAL(mkdir(test_path("x.cvd.sign"), 0700), 0);
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "cannot be read"));
	(void)rmdir(test_path("x.cvd.sign"));
}

/* Each bit of one: whatever becomes of it, never good again unless OpenSSL does not look at it (unsigned attributes: there are none). */
static void a_changed_signature_is_never_good(void)
{
	char *line, *at;
	size_t len;

	begin();
	line = sign_line(&signer, CONTENT, PKCS7_DETACHED);
	at = strrchr(line, ':') + 1;
	len = strlen(at);
	/* The last bytes are the signature itself. */
	for (size_t i = len - 80; i < len - 8; i += 5) {
		char was = at[i];

		at[i] = was == 'A' ? 'B' : 'A';
		write_sign(line, "");
		CU_ASSERT_EQUAL(check(), DETACHED_BAD);
		at[i] = was;
	}
	free(line);
}

/* ---- several lines ---- */

/* The worst first, as the header has them. */
enum kind {
	MALFORMED,
	OTHER_FORMAT,
	STRANGER,
	LATE_OVER_ANOTHER,
	OVER_ANOTHER,
	DAMAGED,
	EXPIRED,
	GOOD,
	KINDS
};

static const struct {
	enum detached_signature state;
	const char *why;
} verdicts[KINDS] = {
	[MALFORMED] = {DETACHED_BAD, "no known format"},
	[OTHER_FORMAT] = {DETACHED_BAD, "no known format"},
	[STRANGER] = {DETACHED_BAD, "none of the trusted"},
	[LATE_OVER_ANOTHER] = {DETACHED_BAD, "does not verify"},
	[OVER_ANOTHER] = {DETACHED_BAD, "does not verify"},
	[DAMAGED] = {DETACHED_BAD, "does not verify"},
	[EXPIRED] = {DETACHED_EXPIRED, "expired on 2"},
	[GOOD] = {DETACHED_GOOD, ""},
};

static char *lines[KINDS];

static char *copy(const char *line)
{
	return strcpy(malloc(strlen(line) + 1), line);
}

/* Another signature: its last whole group of digits. */
static char *damage(char *line)
{
	char *at = line + strlen(line) - 8;

	*at = *at == 'A' ? 'B' : 'A';
	return line;
}

static void make_lines(void)
{
	struct identity late;

	begin();
	late = make("signer of then", &root, -2 * YEAR, -DAY);
	lines[MALFORMED] = copy("230::pkcs7-pem:AAAA");
	lines[OTHER_FORMAT] = copy("230::pkcs8-pem:AAAA");
	lines[STRANGER] = sign_line(&other, CONTENT, PKCS7_DETACHED);
	lines[LATE_OVER_ANOTHER] = sign_line(&late, "another", PKCS7_DETACHED);
	lines[OVER_ANOTHER] = sign_line(&signer, "another", PKCS7_DETACHED);
	lines[DAMAGED] = damage(sign_line(&signer, CONTENT, PKCS7_DETACHED));
	lines[EXPIRED] = sign_line(&late, CONTENT, PKCS7_DETACHED);
	lines[GOOD] = sign_line(&signer, CONTENT, PKCS7_DETACHED);
	(void)drop(late);
}

static void free_lines(void)
{
	for (int i = 0; i < KINDS; i++)
		free(lines[i]);
}

static bool is_as_expected(int best)
{
	return check() == verdicts[best].state && strstr(why, verdicts[best].why);
}

static int larger(int left, int right)
{
	return left > right ? left : right;
}

static void of_two_lines_the_better_counts_in_either_order(void)
{
	make_lines();
	for (int i = 0; i < KINDS; i++)
		for (int k = 0; k < KINDS; k++) {
			write_sign(lines[i], lines[k]);
			CU_ASSERT(is_as_expected(larger(i, k)));
		}
	free_lines();
}

static void of_three_lines_the_best_counts_in_any_order(void)
{
	make_lines();
	for (int n = 0; n < KINDS * KINDS * KINDS; n++) {
		int first = n % KINDS, second = n / KINDS % KINDS, third = n / KINDS / KINDS;

		(void)snprintf(text, sizeof(text),
			       "#clamsign-1.0\n%s\n\n# says nothing\n%s\r\n \t%s", lines[first],
			       lines[second], lines[third]);
		test_file("x.cvd.sign", text);
		CU_ASSERT(is_as_expected(larger(first, larger(second, third))));
	}
	free_lines();
}

/* Whatever is in it: which of them would be looked at is nobody's choice. */
static void too_many_lines_are_bad(void)
{
	make_lines();
	for (int n = 7; n <= 8; n++) {
		size_t at = (size_t)sprintf(text, "#clamsign-1.0\n");

		for (int i = 0; i < n; i++)
			at += (size_t)sprintf(text + at, "%s\n", lines[OVER_ANOTHER]);
		(void)sprintf(text + at, "#\n\n%s\n", lines[GOOD]);
		test_file("x.cvd.sign", text);
		CU_ASSERT_EQUAL(check(), n == 7 ? DETACHED_GOOD : DETACHED_BAD);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "too many lines"));
	free_lines();
}

static void a_text_with_an_end_in_its_middle_is_bad(void)
{
	FILE *file;

	make_lines();
	write_sign(lines[GOOD], "");
	file = fopen(test_path("x.cvd.sign"), "ae");
	CU_ASSERT_EQUAL(fwrite("\0\n", 1, 2, file), 2);
	(void)fclose(file);
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	free_lines();
}

static void base64_that_readers_read_otherwise_is_bad(void)
{
	static const char *const odd[] = {"-", "====", "=A", "AAA", " AAAA", "\tAAAA", "A=AA"};

	make_lines();
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		char *line = malloc(strlen(lines[GOOD]) + 16);

		(void)sprintf(line, "%s%s", lines[GOOD], odd[i]);
		write_sign(line, "");
		CU_ASSERT_EQUAL(check(), DETACHED_BAD);
		free(line);
	}
	free_lines();
}

/* Keys are renewed under the same name. */
static void any_of_two_anchors_of_one_name_is_enough(void)
{
	struct identity renewed;

	for (int is_late = 0; is_late < 2; is_late++)
		for (int is_first = 0; is_first < 2; is_first++) {
			begin();
			renewed = make("root", NULL, -2 * YEAR, is_late ? -DAY : YEAR);
			trust(is_first ? &renewed : &root);
			trust_too(is_first ? &root : &renewed);
			sign(&signer);
			CU_ASSERT_EQUAL(check(), DETACHED_GOOD);
			(void)drop(renewed);
		}
}

/* Who may sign definitions may not say who else may. */
static void a_signer_is_no_issuer(void)
{
	struct identity heir;
	char *line;

	begin();
	heir = make("heir", &signer, -DAY, YEAR);
	line = sign_line_with(&heir, &signer, CONTENT, PKCS7_DETACHED);
	write_sign(line, "");
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "none of the trusted"));
	free(line);
	(void)drop(heir);
}

/* With a content of its own it would say nothing of the file. */
static void one_that_brings_its_own_content_is_bad(void)
{
	char *line;

	begin();
	line = sign_line(&signer, "what was signed is in here", 0);
	write_sign(line, "");
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	free(line);
	root = drop(root);
	signer = drop(signer);
	other = drop(other);
}

static const struct unit_test tests[] = {
	{"none is absent", none_is_absent},
	{"one by a trusted signer is good", one_by_a_trusted_signer_is_good},
	{"a byte more or another in the file is bad", a_byte_more_or_another_in_the_file_is_bad},
	{"one by a stranger is bad", one_by_a_stranger_is_bad},
	{"without certificates it is not held", without_certificates_it_is_not_held},
	{"an expired certificate has a sentence of its own",
	 an_expired_certificate_has_a_sentence_of_its_own},
	{"an expired anchor is expired too", an_expired_anchor_is_expired_too},
	{"one of tomorrow is not valid yet", one_of_tomorrow_is_not_valid_yet},
	{"what is no signature is bad", what_is_no_signature_is_bad},
	{"a changed signature is never good", a_changed_signature_is_never_good},
	{"of two lines the better counts, in either order",
	 of_two_lines_the_better_counts_in_either_order},
	{"of three lines the best counts, in any order",
	 of_three_lines_the_best_counts_in_any_order},
	{"too many lines are bad", too_many_lines_are_bad},
	{"a text with an end in its middle is bad", a_text_with_an_end_in_its_middle_is_bad},
	{"base64 that readers read otherwise is bad", base64_that_readers_read_otherwise_is_bad},
	{"any of two anchors of one name is enough", any_of_two_anchors_of_one_name_is_enough},
	{"a signer is no issuer", a_signer_is_no_issuer},
	{"one that brings its own content is bad", one_that_brings_its_own_content_is_bad},
};

UNIT_MAIN("detached_signature", tests)
