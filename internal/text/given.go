package text

import (
	"strings"
	"sync"
)

// givenForms lists given names that are one name in the languages served but sound
// too different for a skeleton, with the short forms people sign with. The first
// form names the group; a short form may stand in several.
const givenForms = `
oleksandr олександр александр aleksandr alexander alexandr aleksander alexandre alex олекса сашко саша sasha sasza шура санек алекс
oleksandra олександра александра aleksandra alexandra саша sasha sasza сашка шура ола ola
oleksii олексій алексей алексій oleksiy aleksei alexey aleksey alexei aleksiej aleksy олекса льоша леша лёша lesha
olena олена елена olena elena yelena jelena helena helen олєна хелена оленка лена lena леся
olha ольга olga olha оля olya ola
oleh олег oleg oleh олежка
andrii андрій андрей andriy andrei andrey andrew andrzej andriej анджей андрюша
anna анна ганна hanna anna anne ania аня анюта нюра anya ann
anastasiia анастасія анастасия anastasia anastasiya anastazja настя nastya nastia настуня
anton антон антін antin antoni anthony антоній
artem артем артём artiom artyom artemij
bohdan богдан bogdan bohdan
borys борис boris borys
valentyna валентина valentina walentyna valya валя
valerii валерій валерий valery valeriy walery waleryj валера
vasyl василь василий vasyl vasily vasiliy wasyl basil bazyli вася vasia
viktor віктор виктор victor wiktor viktor вітя витя
viktoriia вікторія виктория victoria viktoria wiktoria віка вика vika wika
vira віра вера vira vera wiera wera
volodymyr володимир владимир vladimir volodymyr wladimir wlodzimierz włodzimierz вова vova вовка володя
viacheslav вячеслав в'ячеслав vyacheslav viacheslav wiaczeslaw слава slava wacław waclaw
halyna галина halyna galina halina галя halia
hryhorii григорій григорий grigory hryhoriy grigoriy grzegorz gregory гриша
heorhii георгій георгий юрій юрий heorhiy georgy georgiy george jerzy jurij yurii yuri yuriy yury юра жора єжи ежи yura
daria дарія дарья дар'я daria darya darja dasha даша
danylo данило данила даниил danylo danil daniil daniel даня
denys денис denis denys dionizy
dmytro дмитро дмитрий дмитрій dmytro dmitry dmitri dmitriy dmitrij dymitr діма дима dima
eva єва ева eva eve ewa yeva
yevhen євген евгений yevhen evgeny evgeniy eugene evgenii jewhen jewgienij eugeniusz женя zhenya
yevheniia євгенія евгения yevheniia evgenia eugenia evgeniya женя zhenya
yelyzaveta єлизавета елизавета лізавета elizaveta yelyzaveta elizabeth elzbieta elżbieta ліза лиза liza
zhanna жанна zhanna joanna janna žanna
zinaida зінаїда зинаида zinaida зіна зина
ivan іван иван ivan iwan jan ян john johann ваня vanya
ihor ігор игорь ihor igor
inna інна инна inna
iryna ірина ирина iryna irina irena irene іра ира ira
kateryna катерина екатерина катерина kateryna ekaterina katarzyna catherine katherine katerina yekaterina катя katya kasia катажина kaśka
kostiantyn костянтин константин kostiantyn konstantin konstanty constantine костя kostya
kseniia ксенія ксения оксана kseniia ksenia xenia oksana oxana
larysa лариса larysa larisa лара
leonid леонід леонид leonid leonidas льоня леня
liubov любов любовь liubov lyubov lubow luba люба
liudmyla людмила lyudmila liudmyla ludmila ludmiła люда
lev лев лев lev lew leo leon
maksym максим maksym maxim maksim maxym maks max макс
marharyta маргарита margarita marharyta malgorzata małgorzata margaret рита rita
mariia марія мария maria mariia mariya mary marya marija маша masha марійка
maryna марина marina maryna
mykola микола николай mykola nikolai nikolay nicholas mikolaj mikołaj nikolaj коля kolya
mykhailo михайло михаил mykhailo mikhail michail michael michal michał mykhaylo міша миша misha
nadiia надія надежда nadiia nadezhda nadzieja nadia nadiya nadiezda надя nadya
nataliia наталія наталья наталя nataliia natalia natalya natalie natalka nataliya наташа natasha
nina ніна нина nina
oksana оксана oksana oxana ксеня
pavlo павло павел pavlo pavel pawel paweł paul паша pasha
petro петро петр пётр petro petr pyotr piotr peter петя
polina поліна полина polina paulina
roman роман roman рома
ruslan руслан ruslan
svitlana світлана светлана svitlana svetlana swietlana swetlana світа света sveta
serhii сергій сергей serhii sergey sergei serhiy sergiej sergiy serge serguei sergiusz сєргєй сергійко сережа сергуня
sofiia софія софия софья sofia sofiia sofiya sofya sophia zofia соня sonia sonya
stanislav станіслав станислав stanislav stanislaw stanisław стас stas
stepan степан stepan szczepan stefan stephen steven степа
taras тарас taras
tetiana тетяна татьяна tetiana tatiana tatyana tetyana tatjana таня tanya tania
tymofii тимофій тимофей tymofii timofey timofei timothy tymoteusz тима
fedir федір федор фёдор fedir fedor fyodor teodor theodore фєдя федя
khrystyna христина кристина khrystyna kristina christina krystyna христя
yuliia юлія юлия yuliia yulia julia juliia yuliya юля julija
yulian юліан юлиан yulian julian
yakiv яків яков yakiv yakov jakub jacob jakov яша
yana яна yana jana
yaroslav ярослав yaroslav jaroslav jaroslaw jarosław
yosyp йосип йосиф иосиф осип yosyp iosif joseph jozef józef
ilia ілля илья illia ilya ilia elias eliasz
kyrylo кирило кирилл kyrylo kirill kiril cyril cyryl
luka лука luka lukas lukasz łukasz luke
matvii матвій матвей matvii matvey matthew mateusz maciej
pylyp пилип филипп pylyp philip filipp filip
semen семен семён semen semyon szymon simon siemion
tomash томаш tomasz thomas tomas
voitsekh войцех wojciech
krzysztof кшиштоф christopher krzysztof кристофер
`

// givenNames maps a folded form to the groups it stands in.
var givenNames = sync.OnceValue(func() map[string][]string {
	groups := map[string][]string{}
	for line := range strings.Lines(givenForms) {
		forms := strings.Fields(line)
		if len(forms) == 0 {
			continue
		}
		seen := map[string]bool{}
		for _, form := range forms {
			if folded := Fold(form); !seen[folded] {
				seen[folded] = true
				groups[folded] = append(groups[folded], forms[0])
			}
		}
	}
	return groups
})
