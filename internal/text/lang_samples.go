package text

// What the language model learns from: the words people use most and lines as
// shoppers and agents write them. Tests hold back lines of their own.

var languageWords = map[string]string{
	"uk": `і й та в у на з із зі до від за по про під над між через для без при як що щоб якщо коли де куди звідки чому хто який яка яке які скільки чи або але бо тому ще вже
		не ні так це цей ця ці того тому цього я ти він вона воно ми ви вони мене мені мною тебе тобі його йому її їй нас нам вас вам їх їм мій моя моє мої ваш ваша ваше ваші наш свій
		є був була було були буде будуть бути можна треба потрібно можу може можете хочу хоче хотів хотіла дякую дякуємо прошу добрий день доброго ранку вечора вітаю привіт будь ласка вибачте
		замовлення замовити замовив замовила посилка доставка оплата оплатити товар товару ціна кошти гроші грн повернення повернути обмін розмір колір наявність склад магазин відділення пошта
		номер телефон адреса сьогодні завтра вчора зараз тиждень тижні місяць години днів рахунок чек знижка гарантія відправили відправка отримав отримала прийшов прийшла прийшло досі підкажіть
		дуже добре погано гаразд звичайно зрозуміло напишіть передзвоніть чекаю чекати питання відповідь допоможіть тільки теж також навіть після перед`,
	"ru": `и в во на с со к ко до от за по про под над между через для без при как что чтобы если когда где куда откуда почему кто какой какая какое какие сколько ли или но потому еще ещё уже
		не нет да это этот эта эти того тому этого я ты он она оно мы вы они меня мне мной тебя тебе его ему её ей нас нам вас вам их им мой моя моё мои ваш ваша ваше ваши наш свой
		есть был была было были будет будут быть можно надо нужно могу может можете хочу хочет хотел хотела спасибо благодарю прошу добрый день доброе утро вечер здравствуйте привет пожалуйста извините
		заказ заказа заказать заказал заказала посылка доставка оплата оплатить товар товара цена деньги руб возврат вернуть обмен размер цвет наличие склад магазин отделение почта
		номер телефон адрес сегодня завтра вчера сейчас неделя недели месяц часа дней счет чек скидка гарантия отправили отправка получил получила пришел пришла пришло подскажите скажите
		очень хорошо плохо ладно конечно понятно напишите перезвоните жду ждать вопрос ответ помогите только тоже также даже после перед`,
	"pl": `i w we na z ze do od za po o pod nad między przez dla bez przy jak co żeby jeśli jeżeli kiedy gdzie skąd dlaczego kto jaki jaka jakie ile czy lub albo ale bo więc jeszcze już
		nie tak to ten ta te tego temu ja ty on ona ono my wy oni mnie mi mną ciebie ci jego jemu jej nas nam was wam ich im mój moja moje pan pani państwo państwa nasz swój się
		jest są był była było byli będzie będą być można trzeba mogę może możecie chcę chce chciałbym chciałabym dziękuję proszę dzień dobry wieczór witam cześć przepraszam poproszę
		zamówienie zamówienia zamówić zamówiłem zamówiłam paczka przesyłka dostawa płatność zapłacić towar produkt cena pieniądze zł zwrot zwrócić wymiana rozmiar kolor dostępny magazyn sklep punkt poczta paczkomat
		numer telefon adres dzisiaj dziś jutro wczoraj teraz tydzień tygodni miesiąc godziny dni faktura paragon rabat gwarancja wysłane wysyłka odebrać odebrałem przyszła przyszło kurier
		bardzo dobrze źle oczywiście rozumiem napisać zadzwonić czekam pytanie odpowiedź pomóc tylko też także nawet kiedy`,
	"en": `the a an and or but of to in on at for from with without by about as that this these those if when where why who what which how many much not no yes it its is are was were be been will would can could should
		i you he she we they me my mine your yours his her our their them him us am do does did done have has had get got want need like please thanks thank hello hi good morning evening day sorry help
		order orders ordered delivery deliver delivered parcel package shipping shipped payment pay paid item product price money refund return exchange size colour color stock available store shop pickup point post courier
		number phone address today tomorrow yesterday now week weeks month hours days invoice receipt discount warranty sent received arrived track tracking status still just very well bad sure okay ok
		write call back waiting wait question answer only also even after before there here any some all more than then so could would let know cancel change`,
	"other": `der die das und ist nicht ich sie wir ein eine mit für auf von haben bitte danke bestellung lieferung wann wo guten tag
		el la los las un una que no es por para con del mi su gracias hola pedido envío cuándo dónde está
		le les des une est pas je vous nous avec pour dans merci bonjour commande livraison quand où il gli che non sono per grazie ciao ordine quando dove
		o os as um uma não é com para você obrigado pedido entrega když kde je jsem není prosím děkuji objednávka dobrý den si ste som nie je ďakujem
		ir yra ne aš jūs ačiū kada kur ve bir bu ne için sipariş nerede teşekkürler merhaba es ir nav paldies
		ja on ei olen kiitos en er ikke jeg det har tack hej var är min och`,
	"other-cyrillic": `и на да се от за не е ли че ще съм сте има няма поръчка доставка кога къде благодаря здравейте моля
		у і не што гэта калі дзе мой як быў ёсць няма дзякуй замова дастаўка вітаю калі ласка
		је и да се на за није сам сте где када хвала поруџбина испорука молим мој није`,
}

var languageLines = map[string]string{
	"uk": `доброго дня, де моє замовлення номер сорок сім? обіцяли доставити вчора
		підкажіть будь ласка, чи є в наявності чорні кросівки сорок другого розміру
		хочу повернути товар, він не підійшов за розміром. як оформити повернення коштів
		я оплатила карткою, але статус досі не змінився
		коли відправите посилку? у мене поїзд у п'ятницю
		дякую за швидку відповідь, все прийшло вчасно і гарно запаковане
		прийшов не той колір, я замовляла синій, а у коробці зелений
		можна змінити адресу доставки на інше відділення нової пошти
		скасуйте моє замовлення, знайшла дешевше в іншому магазині
		чому так довго? третій день ніхто не бере слухавку
		ваш кур'єр не подзвонив і залишив пакунок у сусідів
		скільки коштує доставка до львова і скільки днів вона триває
		чи діє знижка для постійних покупців на цю модель
		надішліть рахунок на організацію з печаткою, потрібен для бухгалтерії
		екран розбитий, упаковка пошкоджена, що мені тепер робити
		передзвоніть мені після шостої вечора, зараз не можу говорити
		гарантія на пральну машину два роки чи рік
		гаразд, тоді чекатиму на повідомлення про надходження
		вітаємо! ваше замовлення прийнято, менеджер зв'яжеться з вами найближчим часом
		на жаль цієї моделі немає на складі, очікуємо наступного тижня
		перевірте правильність номера телефону та напишіть прізвище отримувача
		оплата при отриманні можлива тільки у відділеннях
		не можу увійти до особистого кабінету, забула пароль
		а самовивіз з вашого магазину можливий сьогодні до восьмої
		наше місто невелике, але тут є все: парк, річка, стара школа і базар біля вокзалу
		учора ввечері ми довго говорили про роботу, дітей та погоду
		він купив новий велосипед і подарував старий молодшому братові
		інструкція написана дрібним шрифтом, нічого не розібрати
		потрібно замінити батарейку та перевстановити програму
		зателефонуйте за вказаним номером, вам нададуть докладну інформацію
		знайомі радили саме вас, кажуть обслуговування на рівні
		робота зроблена якісно, майстер приїхав вчасно, рекомендую всім
		мабуть помилилася під час оформлення, виправте будь ласка прізвище
		з повагою, відділ обслуговування покупців
		чоловік забере пакунок власноруч, паспорт має при собі
		не отримую повідомлень на пошту, перевірила навіть спам
		ви надіслали мені чужий товар, заберіть його за свій рахунок
		передплачений тариф закінчився, поновіть його автоматично
		запитайте продавця, чи залишились сорочки з довгим рукавом
		указана адреса неправильна, виправити можна безкоштовно`,
	"ru": `добрый день, где мой заказ номер сорок семь? обещали доставить вчера
		подскажите пожалуйста, есть ли в наличии черные кроссовки сорок второго размера
		хочу вернуть товар, он не подошел по размеру. как оформить возврат денег
		я оплатила картой, но статус до сих пор не изменился
		когда отправите посылку? у меня поезд в пятницу
		спасибо за быстрый ответ, все пришло вовремя и хорошо упаковано
		пришел не тот цвет, я заказывала синий, а в коробке зеленый
		можно поменять адрес доставки на другое отделение новой почты
		отмените мой заказ, нашла дешевле в другом магазине
		почему так долго? третий день никто не берет трубку
		ваш курьер не позвонил и оставил пакет у соседей
		сколько стоит доставка до москвы и сколько дней она длится
		действует ли скидка для постоянных покупателей на эту модель
		пришлите счет на организацию с печатью, нужен для бухгалтерии
		экран разбит, упаковка повреждена, что мне теперь делать
		перезвоните мне после шести вечера, сейчас не могу говорить
		гарантия на стиральную машину два года или год
		хорошо, тогда буду ждать сообщения о поступлении
		поздравляем! ваш заказ принят, менеджер свяжется с вами в ближайшее время
		к сожалению этой модели нет на складе, ожидаем на следующей неделе
		проверьте правильность номера телефона и напишите фамилию получателя
		оплата при получении возможна только в отделениях
		не могу войти в личный кабинет, забыла пароль
		а самовывоз из вашего магазина возможен сегодня до восьми
		наш город небольшой, но здесь есть все: парк, река, старая школа и рынок возле вокзала
		вчера вечером мы долго говорили о работе, детях и погоде
		он купил новый велосипед и подарил старый младшему брату
		инструкция написана мелким шрифтом, ничего не разобрать
		нужно заменить батарейку и переустановить программу
		позвоните по указанному номеру, вам предоставят подробную информацию
		знакомые советовали именно вас, говорят обслуживание на уровне
		работа сделана качественно, мастер приехал вовремя, рекомендую всем
		наверное ошиблась при оформлении, исправьте пожалуйста фамилию
		с уважением, отдел обслуживания покупателей
		муж заберет пакет лично, паспорт имеет при себе
		не получаю сообщений на почту, проверила даже спам
		вы прислали мне чужой товар, заберите его за свой счет
		предоплаченный тариф закончился, продлите его автоматически
		спросите продавца, остались ли рубашки с длинным рукавом
		указанный адрес неправильный, исправить можно бесплатно`,
	"pl": `dzień dobry, gdzie jest moje zamówienie numer czterdzieści siedem? miało dojść wczoraj
		czy są jeszcze dostępne czarne buty w rozmiarze czterdzieści dwa
		chcę zwrócić towar, nie pasuje rozmiar. jak mogę odzyskać pieniądze
		zapłaciłam kartą, ale status wciąż się nie zmienił
		kiedy wyślecie paczkę? w piątek wyjeżdżam
		dziękuję za szybką odpowiedź, wszystko przyszło na czas i ładnie zapakowane
		przyszedł nie ten kolor, zamawiałam niebieski, a w pudełku jest zielony
		czy mogę zmienić adres dostawy na inny paczkomat
		proszę anulować moje zamówienie, znalazłam taniej w innym sklepie
		dlaczego tak długo? trzeci dzień nikt nie odbiera telefonu
		państwa kurier nie zadzwonił i zostawił pakunek u sąsiadów
		ile kosztuje dostawa do krakowa i ile dni to potrwa
		czy obowiązuje rabat dla stałych klientów na ten model
		proszę przesłać fakturę na firmę, potrzebna dla księgowości
		ekran jest pęknięty, opakowanie uszkodzone, co mam teraz zrobić
		proszę oddzwonić po osiemnastej, teraz nie mogę rozmawiać
		gwarancja na pralkę trwa dwa lata czy rok
		dobrze, w takim razie poczekam na wiadomość
		niestety tego modelu nie ma w magazynie, będzie w przyszłym tygodniu
		prosze sprawdzic numer telefonu i podac nazwisko odbiorcy
		platnosc przy odbiorze mozliwa jest tylko w punktach
		nie moge zalogowac sie na konto, zapomnialam hasla
		a czy odbior osobisty w sklepie jest mozliwy dzisiaj do dwudziestej
		kiedy bedzie dostepny ten produkt, bo czekam juz dwa tygodnie`,
	"en": `good afternoon, where is my order number forty seven? it was promised for yesterday
		could you tell me whether the black trainers are in stock in size nine
		i would like to return this, it does not fit. how do i get my money back
		i paid by card but the status has not changed yet
		when will you ship the parcel? i am leaving on friday
		thanks for the quick reply, everything arrived on time and nicely packed
		the colour is wrong, i ordered a blue one and there is a green one in the box
		can i change the delivery address to another pickup point
		please cancel my order, i found it cheaper in another shop
		why does it take so long? nobody has picked up the phone for three days
		your courier did not call and left the package with the neighbours
		how much is shipping to london and how many days does it take
		is there a discount on this model for regular customers
		please send an invoice made out to the company, our accountant needs it
		the screen is broken and the box is damaged, what should i do now
		call me back after six in the evening, i cannot talk right now
		does the washing machine come with a warranty of one or two years
		all right, then i will wait for the message
		unfortunately this model is out of stock, we expect it next week
		check the phone number and write the name of the person who will collect it
		cash on delivery is only available at our branches
		i can't log in to my account, i forgot the password
		is it possible to collect it from your store today before eight
		which of these two would you recommend for a small flat`,
	"other": `guten tag, wo ist meine bestellung? sie sollte gestern geliefert werden
		ich möchte den artikel zurückgeben, die größe passt leider nicht. wann bekomme ich mein geld
		können sie mir bitte sagen, ob die schuhe noch auf lager sind
		buenos días, dónde está mi pedido? tenía que llegar ayer
		quiero devolver el producto porque la talla no es la correcta, cuándo me devuelven el dinero
		bonjour, où est ma commande? elle devait arriver hier
		je voudrais retourner cet article, la taille ne convient pas. quand serai-je remboursé
		buongiorno, dov'è il mio ordine? doveva arrivare ieri, vorrei restituire il prodotto
		bom dia, onde está o meu pedido? queria devolver o produto porque o tamanho não serve
		dobrý den, kde je moje objednávka? měla přijít včera. chtěl bych vrátit zboží, velikost mi nesedí
		dobrý deň, kde je moja objednávka? mala prísť včera, chcel by som vrátiť tovar
		bună ziua, unde este comanda mea? trebuia să ajungă ieri
		merhaba, siparişim nerede? dün gelmesi gerekiyordu, iade etmek istiyorum
		hej, var är min beställning? den skulle komma igår, jag vill lämna tillbaka varan
		goedendag, waar is mijn bestelling? die zou gisteren komen, ik wil het artikel terugsturen
		labas, kur mano užsakymas? turėjo atvykti vakar, noriu grąžinti prekę
		gde moy zakaz, kogda budet dostavka, skolko stoit, spasibo, zdravstvuyte, hochu vernut tovar
		dobryi den, de moye zamovlennya, koly bude dostavka, skilky koshtuye, dyakuyu`,
	"other-cyrillic": `добър ден, къде е моята поръчка? трябваше да пристигне вчера
		искам да върна продукта, размерът не е подходящ. кога ще получа парите си
		добры дзень, дзе мая замова? павінны былі даставіць учора
		хачу вярнуць тавар, памер не падышоў. калі вернуцца грошы
		добар дан, где је моја поруџбина? требало је да стигне јуче
		желим да вратим производ, величина не одговара. када ћу добити новац`,
}
