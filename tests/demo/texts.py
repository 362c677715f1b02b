"""Sentences, names and charsets that the generator builds mail from."""

# language → (charsets a client of that language uses, sentences, quoted-reply line)
LANGUAGES = {
    "en": (("us-ascii", "utf-8", "iso-8859-1"), (
        "Thanks for the call this morning.", "Could you send the updated offer by Friday?", "We would like to start with forty seats.",
        "Our procurement team asks for the data processing agreement.", "The pilot went well, the team in Leeds is happy.",
        "I am out of office until Monday, please talk to my colleague.", "What would the price be for a three year term?",
        "Attached you find the signed order form.", "Can we move the meeting to half past three?", "Let me know if anything is missing."),
        "On {date}, {name} wrote:"),
    "de": (("iso-8859-1", "utf-8", "windows-1252"), (
        "Vielen Dank für das schöne Gespräch.", "Könnten Sie uns das geänderte Angebot schicken?", "Die Geschäftsführung prüft den Vertrag noch.",
        "Wir würden gern im März anfangen.", "Für die Größe unseres Teams wären fünfzig Plätze genug.", "Über den Preis müssen wir noch reden.",
        "Anbei die unterschriebenen Unterlagen.", "Schöne Grüße aus Köln"), "Am {date} schrieb {name}:"),
    "fr": (("utf-8", "iso-8859-15"), (
        "Merci pour votre réponse rapide.", "Le devis dépasse un peu notre budget.", "Pouvez-vous préciser les délais de livraison ?",
        "Notre équipe à Besançon a terminé l'essai.", "Le coût total serait de 12 000 €.", "À bientôt, et bonne journée."),
        "Le {date}, {name} a écrit :"),
    "es": (("utf-8", "iso-8859-1"), (
        "Muchas gracias por la información.", "¿Podría enviarnos la factura?", "El señor Muñoz firmará mañana.", "Nos gustaría ampliar el contrato.",
        "La reunión será el jueves a las diez."), "El {date}, {name} escribió:"),
    "pl": (("iso-8859-2", "utf-8"), (
        "Dziękuję za szybką odpowiedź.", "Prosimy o przesłanie nowej oferty.", "Umowa została już podpisana.", "Czy możemy przełożyć spotkanie na środę?"),
        "W dniu {date} {name} napisał(a):"),
    "ru": (("koi8-r", "windows-1251", "utf-8"), (
        "Спасибо за быстрый ответ.", "Пришлите, пожалуйста, обновлённое предложение.", "Мы готовы подписать договор на этой неделе.",
        "Цена нас устраивает, но нужны другие сроки."), "{date} {name} пишет:"),
    "el": (("iso-8859-7", "utf-8"), (
        "Ευχαριστούμε για την προσφορά.", "Θα θέλαμε μια συνάντηση την Πέμπτη.", "Η σύμβαση είναι έτοιμη."), "Στις {date} ο {name} έγραψε:"),
    "he": (("utf-8", "windows-1255"), ("תודה רבה על התשובה.", "נשמח לקבל הצעה מעודכנת.", "נדבר ביום ראשון."), "{name} כתב:"),
    "ja": (("iso-2022-jp", "utf-8", "shift_jis"), (
        "お世話になっております。", "見積書をお送りいただけますでしょうか。", "会議は木曜日の午後三時に変更をお願いします。", "よろしくお願いいたします。"),
        "{date} {name} wrote:"),
    "zh": (("gb18030", "utf-8", "gb2312"), ("谢谢您的回复。", "请把最新的报价发给我们。", "合同下周签署。", "我们需要五十个用户。"), "{name} 写道:"),
    "ko": (("euc-kr", "utf-8"), ("빠른 답변 감사합니다.", "견적서를 보내 주시겠습니까?", "다음 주에 계약하겠습니다."), "{name} 작성:"),
}

FIRST = ("Anna", "Ben", "Clara", "David", "Eva", "Finn", "Grace", "Hugo", "Ida", "Jonas", "Klára", "Luís", "Maya", "Noël", "Olga", "Peter", "Quynh",
         "Rosa", "Søren", "Tomás", "Ulla", "Victor", "Wanda", "Ximena", "Yuki", "Zoë", "Иван", "Мария", "健太", "美咲")
LAST = ("Adler", "Brandt", "Costa", "Dvořák", "Evans", "Fischer", "García", "Horváth", "Ivanova", "Jensen", "Kowalski", "Lindström", "Müller",
        "Nakamura", "O'Brien", "Papadopoulos", "Quist", "Rossi", "Schmidt", "Tanaka", "Usman", "Varga", "Walker", "Xu", "Yılmaz", "Zając")
COMPANIES = ("Birkenfeld", "Calloway", "Deltawerk", "Estrela", "Fjordline", "Granite", "Halcyon", "Ironbridge", "Juniper", "Kestrel", "Lakeside",
             "Meridian", "Northgate", "Oakhurst", "Pinecrest", "Quarry", "Riverton", "Stonefield", "Tamarind", "Umber", "Vesper", "Westbrook")
SUBJECTS = {
    "en": ("Offer for {org}", "Next steps", "Order form", "Question about the pilot", "Meeting on Thursday", "Renewal {org}", "Contract draft"),
    "de": ("Angebot für {org}", "Rückfrage zum Vertrag", "Terminvorschlag", "Größe der Lizenz"),
    "fr": ("Devis {org}", "Précisions sur le délai", "Réunion de jeudi"), "es": ("Oferta para {org}", "Reunión mañana", "Facturación"),
    "pl": ("Oferta dla {org}", "Pytanie o umowę"), "ru": ("Предложение для {org}", "Вопрос по договору"), "el": ("Προσφορά {org}",),
    "he": ("הצעת מחיר {org}",), "ja": ("お見積りの件 {org}", "会議の変更"), "zh": ("{org} 报价", "合同"), "ko": ("{org} 견적",),
}
FILES = (("offer.pdf", "application/pdf"), ("Preisliste 2026 – groß.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
         ("scan.png", "image/png"), ("見積書.pdf", "application/pdf"), ("notes.txt", "text/plain"), ("contract.docx", "application/octet-stream"))
SPAM = ("You have been selected!!!", "Cheap watches, 90% off", "Re: your invoice 83721", "URGENT business proposal", "Lose weight fast")
