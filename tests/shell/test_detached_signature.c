/* SPDX-License-Identifier: GPL-2.0-only */
/* Detached signatures: keys, certificates and signatures are made here, so that time can be chosen. */
#include "ampscansvc/detached_signature.h"

#include <CUnit/CUnit.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
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

static void trust(const struct identity *anchor)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *pem;

	PEM_write_bio_X509(memory, anchor->certificate);
	anchors_len = (size_t)BIO_get_mem_data(memory, &pem);
	memcpy(anchors, pem, anchors_len);
	BIO_free(memory);
}

/* A line of a .sign over `content`. */
static char *sign_line(const struct identity *by, const char *content, int flags)
{
	BIO *in = BIO_new_mem_buf(content, -1);
	PKCS7 *signature = PKCS7_sign(by->certificate, by->key, NULL, in, flags | PKCS7_BINARY);
	unsigned char *der = NULL;
	int len = i2d_PKCS7(signature, &der);
	char *line = malloc((size_t)len * 2 + 64);
	int head = sprintf(line, "230::pkcs7-pem:");

	CU_ASSERT_FATAL(len > 0);
	(void)EVP_EncodeBlock((unsigned char *)line + head, der, len);
	OPENSSL_free(der);
	PKCS7_free(signature);
	BIO_free(in);
	return line;
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

static void any_line_that_holds_is_enough(void)
{
	char *good, *bad;

	begin();
	good = sign_line(&signer, CONTENT, PKCS7_DETACHED);
	bad = sign_line(&other, CONTENT, PKCS7_DETACHED);
	write_sign(bad, good);
	CU_ASSERT_EQUAL(check(), DETACHED_GOOD);
	write_sign(good, bad);
	CU_ASSERT_EQUAL(check(), DETACHED_GOOD);
	write_sign(bad, bad);
	CU_ASSERT_EQUAL(check(), DETACHED_BAD);
	free(good);
	free(bad);
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
	{"any line that holds is enough", any_line_that_holds_is_enough},
	{"one that brings its own content is bad", one_that_brings_its_own_content_is_bad},
};

UNIT_MAIN("detached_signature", tests)
