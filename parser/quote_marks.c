#include "parser/quote_marks.h"

#define ATTRIBUTION_LINES 3
#define DIVIDER_BYTES 16 /* no divider is shorter */
#define BLOCK_LINES 10
#define BLOCK_NAME_BYTES 40 /* nor a field's name longer */
#define BLOCK_KINDS 3
#define PHONE_LINE_BYTES 80

struct span quote_marks_line(struct span s, size_t at, size_t *next_out)
{
	struct span rest = {s.p + at, s.n - at};
	size_t n = span_find_byte(rest, '\n');
	*next_out = at + n + (n < rest.n);
	return span_trim((struct span){rest.p, n});
}

bool quote_marks_is_quote(struct span line)
{
	return line.n > 0 && line.p[0] == '>';
}

static bool ends_with_any(struct span line, const char *const *words)
{
	for (; *words; words++) {
		size_t n = strlen(*words);
		if (line.n >= n &&
		    span_ieq((struct span){line.p + line.n - n, n}, span_make(*words, n)))
			return true;
	}
	return false;
}

static bool starts_with_any(struct span line, const char *const *words)
{
	for (; *words; words++) {
		if (span_istarts(line, span_cstr(*words)))
			return true;
	}
	return false;
}

/* Before an address in brackets: what is in it is no time. */
static bool has_digit(struct span line)
{
	size_t n = span_find_byte(line, '<');
	for (size_t i = 0; i < n; i++) {
		if (line.p[i] >= '0' && line.p[i] <= '9')
			return true;
	}
	return false;
}

static bool has_at(struct span line)
{
	return line.n > 0 && memchr(line.p, '@', line.n);
}

/* ':', or the wide one of Chinese and Japanese: what every attribution ends with. Asked first, as it costs least. */
static bool ends_with_colon(struct span line)
{
	return line.n > 2 &&
	       (line.p[line.n - 1] == ':' || memcmp(line.p + line.n - 3, "：", 3) == 0);
}

/* What an attribution begins with where its first line says neither a time nor an address. */
static bool opens_attribution(struct span line)
{
	static const char *const starts[] = {"on ", "am ", "le ",	  "el ",	 "il ",
					     "op ", "em ", "den ",	  "w dniu ",	 "dnia ",
					     "på ", "at ", "in article ", "in message ", NULL};
	return starts_with_any(line, starts);
}

bool quote_marks_tells(struct span line)
{
	static const char *const ends[] = {"wrote:",	  "writes:",
					   "said:",	  "schrieb:",
					   "a écrit :",	  "a écrit\u00a0:",
					   "a écrit:",	  "escribió:",
					   "ha scritto:", "schreef:",
					   "geschreven:", "escreveu:",
					   "skrev:",	  "kirjoitti:",
					   "napisał:",	  "napisał(a):",
					   "napisała:",	  "napsal:",
					   "napsal(a):",  "napísal:",
					   "a scris:",	  "írta:",
					   "yazdı:",	  "şunu yazdı:",
					   "έγραψε:",	  "написал:",
					   "написал(а):", "пишет:",
					   "пише:",	  "написав:",
					   "כתב:",	  "כתב/ה:",
					   "كتب:",	  "写道：",
					   "写道:",	  "寫道：",
					   "のメール:",	  "さんは書きました:",
					   "님이 작성:",  "đã viết:",
					   NULL};
	return ends_with_colon(line) && ends_with_any(line, ends);
}

static bool ends_with_address(struct span line)
{
	static const char *const ends[] = {">:", ">):", "> :", ">\u00a0:", ">：", NULL};
	return ends_with_colon(line) && has_at(line) && ends_with_any(line, ends);
}

/* words: one line or more; last: the last of them, which ends with a colon. */
static bool is_attribution(struct span words, struct span last)
{
	bool dated = has_digit(words), named = has_at(words);
	if (ends_with_address(last))
		return dated;
	if (!quote_marks_tells(last))
		return false;
	return last.p == words.p ? named || (dated && opens_attribution(words))
				 : (dated || named) && opens_attribution(words);
}

size_t quote_marks_attribution(struct span s, size_t at)
{
	size_t next;
	struct span first = quote_marks_line(s, at, &next), line = first;
	for (int i = 1; line.n > 0 && !(i > 1 && quote_marks_is_quote(line)); i++) {
		if (ends_with_colon(line)) {
			size_t n = (size_t)(line.p - first.p) + line.n;
			return is_attribution((struct span){first.p, n}, line) ? next : 0;
		}
		if (i == ATTRIBUTION_LINES || next >= s.n)
			break;
		line = quote_marks_line(s, next, &next);
	}
	return 0;
}

static bool is_divider(struct span line)
{
	static const char *const dividers[] = {"-----original message",
					       "----- original message",
					       "---- original message",
					       "-----original appointment",
					       "---------- forwarded message",
					       "---------- weitergeleitete nachricht",
					       "---------- mensaje reenviado",
					       "-----ursprüngliche nachricht",
					       "----- forwarded message",
					       "-------- original message",
					       "-------- forwarded message",
					       "-------- weitergeleitete nachricht",
					       "-------- ursprüngliche nachricht",
					       "-------- oorspronkelijk bericht",
					       "-------- message original",
					       "-------- messaggio originale",
					       "-----message d'origine",
					       "-----mensaje original",
					       "-----mensagem original",
					       "-----messaggio originale",
					       "-----oorspronkelijk bericht",
					       "-----oryginalna wiadomość",
					       "-----Исходное сообщение",
					       "-------- Исходное сообщение",
					       "-------- Пересылаемое сообщение",
					       "-----邮件原件",
					       "------------------ 原始邮件",
					       "------------------ original",
					       "begin forwarded message:",
					       "anfang der weitergeleiteten nachricht:",
					       "début du message réexpédié",
					       "_____________________________",
					       NULL};
	return line.n >= DIVIDER_BYTES && starts_with_any(line, dividers);
}

enum block_kind { BLOCK_FROM = 1, BLOCK_DATE = 2, BLOCK_TO = 4, BLOCK_SUBJECT = 8 };

/* What a line of a header block is, in the languages of Outlook and its kin; 0: none. */
static unsigned block_kind(struct span line)
{
	static const struct {
		unsigned kind;
		const char *names[24];
	} kinds[] = {
		{BLOCK_FROM,
		 {"from:", "*from:*", "von:",	 "de :",     "de\u00a0:",  "de:",	"da:",
		  "van:",  "från:",   "fra:",	 "od:",	     "lähettäjä:", "kimden:",	"feladó:",
		  "От:",   "差出人:", "发件人:", "发件人：", "寄件者:",	   "보낸 사람:"}},
		{BLOCK_DATE, {"sent:",	   "*sent:*",	 "date:",	"*date:*",    "gesendet:",
			      "datum:",	   "envoyé",	 "inviato:",	"verzonden:", "enviado",
			      "data:",	   "fecha:",	 "skickat:",	"sendt:",     "wysłano:",
			      "odesláno:", "lähetetty:", "gönderildi:", "elküldve:",  "Отправлено:",
			      "Дата:",	   "送信日時:",	 "发送时间"}},
		{BLOCK_TO, {"to:",	"*to:*", "cc:",	   "*cc:*",	     "an:",   "à :",
			    "à\u00a0:", "à:",	 "aan:",   "para:",	     "a:",    "till:",
			    "til:",	"do:",	 "komu:",  "vastaanottaja:", "kime:", "címzett:",
			    "Кому:",	"宛先:", "收件人", "받는 사람:"}},
		{BLOCK_SUBJECT,
		 {"subject:", "*subject:*", "betreff:", "objet",  "oggetto:", "onderwerp:",
		  "asunto:",  "assunto:",   "ämne:",	"Ämne:",  "emne:",    "temat:",
		  "předmět:", "aihe:",	    "konu:",	"tárgy:", "Тема:",    "件名:",
		  "主题",     "主旨:",	    "제목:"}},
	};
	struct span name = span_sub(line, 0, BLOCK_NAME_BYTES);
	if (span_find_byte(name, ':') == name.n && !memmem(name.p, name.n, "：", 3))
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (starts_with_any(line, kinds[i].names))
			return kinds[i].kind;
	}
	return 0;
}

/* The block that Outlook and its kin put above what they quote: three kinds of field within ten lines, from the first on. */
static bool is_block(struct span s, size_t at)
{
	unsigned found = 0, next_kind;
	size_t next = at;
	for (int i = 0; i < BLOCK_LINES && next < s.n; i++) {
		next_kind = block_kind(quote_marks_line(s, next, &next));
		if (i == 0 && !next_kind)
			return false;
		found |= next_kind;
	}
	return __builtin_popcount(found) >= BLOCK_KINDS;
}

bool quote_marks_history(struct span s, size_t at)
{
	size_t next;
	return is_divider(quote_marks_line(s, at, &next)) || is_block(s, at);
}

bool quote_marks_phone(struct span line)
{
	static const char *const starts[] = {"sent from ",
					     "sent via my ",
					     "von meinem ",
					     "gesendet von mein",
					     "gesendet mit der ",
					     "envoyé de mon ",
					     "envoyé depuis mon ",
					     "enviado desde mi ",
					     "enviado do meu ",
					     "enviado de mi ",
					     "inviato da ",
					     "inviato dal mio ",
					     "verstuurd vanaf ",
					     "verzonden vanaf ",
					     "skickat från min ",
					     "sendt fra min ",
					     "wysłane z ",
					     "odesláno z ",
					     "lähetetty i",
					     "Отправлено с ",
					     "Отправлено из ",
					     "发自我的",
					     "從我的",
					     "via mobile",
					     "get outlook for ",
					     "outlook für ",
					     "télécharger outlook pour ",
					     "obtener outlook para ",
					     NULL};
	static const char *const ends[] = {"から送信", "에서 보냄", NULL};
	return line.n <= PHONE_LINE_BYTES && line.n > 0 && !memchr(line.p, ',', line.n) &&
	       (starts_with_any(line, starts) || ends_with_any(line, ends));
}
