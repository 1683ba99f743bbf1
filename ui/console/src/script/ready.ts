// The script that comes with the house: confirming an order on the telephone, in the four languages.
import type { Body, Text } from './api';

const say = (en: string, uk: string, ru: string, pl: string): Text => ({ en, uk, ru, pl });

export function confirmation(): Body {
  return {
    start: 'hello',
    steps: [
      {
        key: 'hello',
        title: say('Greeting', 'Вітання', 'Приветствие', 'Powitanie'),
        say: say(
          'Good day, {{ customer.first_name }}! This is {{ agent.name }} from {{ store.name }}. You have ordered {{ order.items }} item(s) for {{ order.total }}, order {{ order.number }}. Do you confirm it?',
          'Добрий день, {{ customer.first_name }}! Це {{ agent.name }}, {{ store.name }}. Ви замовили товарів: {{ order.items }}, на {{ order.total }}, замовлення {{ order.number }}. Підтверджуєте?',
          'Добрый день, {{ customer.first_name }}! Это {{ agent.name }}, {{ store.name }}. Вы заказали товаров: {{ order.items }}, на {{ order.total }}, заказ {{ order.number }}. Подтверждаете?',
          'Dzień dobry, {{ customer.first_name }}! Tu {{ agent.name }}, {{ store.name }}. Liczba zamówionych produktów: {{ order.items }}, kwota {{ order.total }}, numer zamówienia {{ order.number }}. Czy potwierdza Pani/Pan zamówienie?',
        ),
        hint: say(
          'Let the customer finish. Name the goods if they ask.',
          'Дайте клієнтові договорити. Назвіть товари, якщо спитає.',
          'Дайте клиенту договорить. Назовите товары, если спросит.',
          'Pozwól klientowi dokończyć. Wymień produkty, jeśli zapyta.',
        ),
        fields: [],
        answers: [
          {
            key: 'yes',
            label: say('Yes, I confirm', 'Так, підтверджую', 'Да, подтверждаю', 'Tak, potwierdzam'),
            to: 'delivery',
            effects: [],
          },
          {
            key: 'change',
            label: say(
              'Wants to change something',
              'Хоче щось змінити',
              'Хочет что-то изменить',
              'Chce coś zmienić',
            ),
            to: 'change',
            effects: [],
          },
          {
            key: 'later',
            label: say('No time now', 'Зараз незручно', 'Сейчас неудобно', 'Teraz nie może'),
            to: 'later',
            effects: [],
          },
          {
            key: 'no',
            label: say('No longer wanted', 'Уже не потрібно', 'Уже не нужно', 'Już nie potrzebuje'),
            to: 'why',
            effects: [],
          },
        ],
      },
      {
        key: 'delivery',
        title: say('Delivery', 'Доставка', 'Доставка', 'Dostawa'),
        say: say(
          'Thank you! When does the delivery suit you, and what should the courier know?',
          'Дякую! Коли вам зручно отримати, і що має знати кур’єр?',
          'Спасибо! Когда вам удобно получить, и что должен знать курьер?',
          'Dziękuję! Kiedy dostawa będzie wygodna i co powinien wiedzieć kurier?',
        ),
        hint: {},
        fields: [
          {
            key: 'wish',
            label: say(
              'Wishes for the delivery',
              'Побажання щодо доставки',
              'Пожелания к доставке',
              'Uwagi do dostawy',
            ),
            kind: 'text',
            required: false,
            target: 'order.note',
            choices: [],
          },
        ],
        answers: [
          {
            key: 'done',
            label: say('Written down', 'Записано', 'Записано', 'Zapisane'),
            to: 'thanks',
            effects: [],
          },
        ],
      },
      {
        key: 'change',
        title: say('A change', 'Зміна', 'Изменение', 'Zmiana'),
        say: say(
          'What should be different?',
          'Що саме змінити?',
          'Что именно изменить?',
          'Co należy zmienić?',
        ),
        hint: {},
        fields: [
          {
            key: 'what',
            label: say('What to change', 'Що змінити', 'Что изменить', 'Co zmienić'),
            kind: 'long',
            required: true,
            target: 'order.note',
            choices: [],
          },
        ],
        answers: [
          {
            key: 'asked',
            label: say('Passed on', 'Передано', 'Передано', 'Przekazane'),
            to: 'thanks',
            effects: [
              { kind: 'task', value: 'Change order {{ order.number }}: {{ field.what }}', minutes: 120 },
            ],
          },
        ],
      },
      {
        key: 'later',
        title: say('Later', 'Пізніше', 'Позже', 'Później'),
        say: say(
          'When may I call again?',
          'Коли можна передзвонити?',
          'Когда можно перезвонить?',
          'Kiedy mogę zadzwonić ponownie?',
        ),
        hint: {},
        fields: [
          {
            key: 'at',
            label: say('When to call', 'Коли дзвонити', 'Когда звонить', 'Kiedy zadzwonić'),
            kind: 'time',
            required: true,
            target: '',
            choices: [],
          },
        ],
        answers: [
          {
            key: 'promised',
            label: say('Promised', 'Домовилися', 'Договорились', 'Umówione'),
            to: 'bye',
            effects: [{ kind: 'callback', value: 'Order {{ order.number }}', at: 'at' }],
          },
        ],
      },
      {
        key: 'why',
        title: say('The reason', 'Причина', 'Причина', 'Powód'),
        say: say(
          'I understand. May I ask why, so that we do better?',
          'Розумію. Підкажіть, будь ласка, чому — щоб ми стали кращими?',
          'Понимаю. Подскажите, пожалуйста, почему — чтобы мы стали лучше?',
          'Rozumiem. Czy mogę zapytać dlaczego, abyśmy mogli się poprawić?',
        ),
        hint: say(
          'Apologise if we are at fault, and offer what your limits allow.',
          'Вибачтеся, якщо винні ми, і запропонуйте те, що дозволено.',
          'Извинитесь, если виноваты мы, и предложите то, что разрешено.',
          'Przeproś, jeśli to nasza wina, i zaproponuj to, na co pozwalają limity.',
        ),
        fields: [
          {
            key: 'why',
            label: say('Why not', 'Чому ні', 'Почему нет', 'Dlaczego nie'),
            kind: 'text',
            required: false,
            target: '',
            choices: [],
          },
        ],
        answers: [
          {
            key: 'cancel',
            label: say('Cancel the order', 'Скасувати замовлення', 'Отменить заказ', 'Anuluj zamówienie'),
            to: 'lost',
            effects: [{ kind: 'order_cancel', text: '{{ field.why }}' }],
          },
          {
            key: 'stay',
            label: say('Changed their mind', 'Передумав', 'Передумал', 'Rozmyślił się'),
            to: 'delivery',
            effects: [],
          },
        ],
      },
      {
        key: 'thanks',
        title: say('Thanks', 'Подяка', 'Благодарность', 'Podziękowanie'),
        say: say(
          'Thank you! We will write to you when it is on its way.',
          'Дякуємо! Ми напишемо, коли замовлення вирушить.',
          'Спасибо! Мы напишем, когда заказ отправится.',
          'Dziękujemy! Napiszemy, gdy przesyłka wyruszy.',
        ),
        hint: {},
        fields: [],
        answers: [],
        outcome: 'ordered',
        effects: [],
      },
      {
        key: 'bye',
        title: say('Until then', 'До зустрічі', 'До встречи', 'Do usłyszenia'),
        say: say(
          'I will call you then. Goodbye!',
          'Тоді й зателефоную. До побачення!',
          'Тогда и позвоню. До свидания!',
          'Zadzwonię wtedy. Do usłyszenia!',
        ),
        hint: {},
        fields: [],
        answers: [],
        outcome: 'settled',
        effects: [],
      },
      {
        key: 'lost',
        title: say('A pity', 'Шкода', 'Жаль', 'Szkoda'),
        say: say(
          'It is cancelled. You are welcome back at any time.',
          'Скасовано. Будемо раді бачити вас знову.',
          'Отменено. Будем рады видеть вас снова.',
          'Zamówienie anulowane. Zapraszamy ponownie.',
        ),
        hint: {},
        fields: [],
        answers: [],
        outcome: 'not_wanted',
        effects: [],
      },
    ],
  };
}

/** Nothing but a beginning that is the end. */
export function blank(): Body {
  return { start: 'step_1', steps: [{ key: 'step_1', title: {}, say: {}, outcome: 'settled' }] };
}
