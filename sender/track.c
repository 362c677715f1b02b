#include "sender/track.h"

#include "sender/tag.h"

static void put_url(const struct track *track, enum track_kind kind, struct span url,
		    struct buf *out)
{
	const struct track_token token = {
		kind, track->company, track->account, track->submission, track->recipient, url};

	buf_put_span(out, track->base);
	buf_printf(out, "/t/%c/", (char)kind);
	track_token_make(track->key, &token, out);
}

/* Behind the scheme; 0: not http or https. */
static size_t scheme(struct span url)
{
	if (span_istarts(url, SPAN_LIT("https://")))
		return 8;
	return span_istarts(url, SPAN_LIT("http://")) ? 7 : 0;
}

/* A link that can be led through base: absolute, with a host, of the characters that a Location can have. */
static bool is_trackable(const struct track *track, struct span url)
{
	size_t n = scheme(url);

	if (!n || url.n <= n || url.n > TRACK_URL_MAX || strchr("/?#", url.p[n]) ||
	    span_istarts(url, track->base))
		return false;
	for (size_t i = 0; i < url.n; i++)
		if (url.p[i] <= 0x20 || url.p[i] >= 0x7f || strchr("\"<>\\^`{|}", url.p[i]))
			return false;
	return true;
}

/* From *done on up to and with the link of this tag, which is led through base. */
static void put_link(const struct track *track, struct span html, const struct tag *tag,
		     size_t *done, struct arena *arena, struct buf *out)
{
	struct span url = span_trim(tag_value(tag->href, arena));
	size_t begin = (size_t)(tag->href.p - html.p);

	if (!is_trackable(track, url))
		return;
	buf_put_span(out, span_sub(html, *done, begin - *done));
	if (!tag->href_quoted)
		buf_put_byte(out, '"');
	put_url(track, TRACK_CLICK, url, out);
	if (!tag->href_quoted)
		buf_put_byte(out, '"');
	*done = begin + tag->href.n;
}

static void put_pixel(const struct track *track, struct buf *out)
{
	buf_put_cstr(out, "<img src=\"");
	put_url(track, TRACK_OPEN, SPAN_LIT(""), out);
	buf_put_cstr(out, ".gif\" width=\"1\" height=\"1\" alt=\"\">");
}

/* Where the pixel goes: the last </body>, or the end. */
static size_t pixel_place(struct span html)
{
	size_t place = html.n, at = 0;
	struct tag tag;

	while (tag_next(html, &at, &tag))
		if (tag.closing && tag_is(&tag, "body"))
			place = tag.begin;
	return place;
}

void track_html(const struct track *track, struct span html, struct buf *out)
{
	size_t place = track->opens ? pixel_place(html) : SIZE_MAX, done = 0, at = 0;
	struct arena *arena = arena_new(0);
	struct tag tag;

	while (tag_next(html, &at, &tag)) {
		if (tag.begin == place) {
			buf_put_span(out, span_sub(html, done, place - done));
			put_pixel(track, out);
			done = place;
		}
		if (track->clicks && tag.href.p && !tag.closing &&
		    (tag_is(&tag, "a") || tag_is(&tag, "area")))
			put_link(track, html, &tag, &done, arena, out);
	}
	buf_put_span(out, span_sub(html, done, html.n));
	if (place == html.n)
		put_pixel(track, out);
	arena_free(&arena);
}

void track_unsubscribe_url(const struct track *track, struct buf *out)
{
	put_url(track, TRACK_UNSUBSCRIBE, SPAN_LIT(""), out);
}
