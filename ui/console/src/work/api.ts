// The calls of questions to departments, and what they speak of.
import type { Id, Language, Page, Time } from '$lib/api';
import { request } from '$lib/api/request';

export type Verdict = 'yes' | 'no' | 'later' | 'other';
export const verdicts: Verdict[] = ['yes', 'later', 'no', 'other'];

export interface Inquiry {
  id: Id;
  store_id: Id;
  department_id: Id;
  department: string;
  question: string;
  variant_id: Id;
  product: string;
  sku: string;
  place: string;
  order_id: Id;
  order_number: string;
  conversation_id: Id;
  customer_id: Id;
  customer_name: string;
  asker_id: Id;
  asker_name: string;
  wants_call: boolean;
  state: 'open' | 'answered' | 'cancelled';
  verdict: '' | Verdict;
  answer: string;
  quantity: number;
  expected_on: string;
  answerer: string;
  level: number;
  asked_at: Time;
  deadline_at: Time;
  answered_at: Time;
  link?: string;
}

export interface Question {
  store_id: Id;
  department_id: Id;
  question: string;
  variant_id?: Id;
  order_id?: Id;
  conversation_id?: Id;
  customer_id?: Id;
  wants_call?: boolean;
  deadline_at?: Time;
}

export interface Reply {
  verdict: Verdict;
  answer?: string;
  quantity?: number;
  expected_on?: string;
}

export interface AskedHow {
  department_id: Id;
  email: string;
  language: Language;
  minutes: number;
}

export const inquiries = {
  list:
    (query: { store_id?: Id; department_id?: Id; over?: boolean; conversation_id?: Id }) =>
    (cursor = '') =>
      request<Page<Inquiry>>('GET', '/inquiries', { query: { ...query, cursor } }),
  ask: (body: Question) => request<Inquiry>('POST', '/inquiries', { body }),
  answer: (id: Id, body: Reply) => request<Inquiry>('POST', `/inquiries/${id}/answer`, { body }),
  cancel: (id: Id) => request<Inquiry>('POST', `/inquiries/${id}/cancel`),
  how: (department: Id) => request<AskedHow>('GET', `/departments/${department}/inquiries`),
  setHow: (department: Id, body: Omit<AskedHow, 'department_id'>) =>
    request<AskedHow>('PUT', `/departments/${department}/inquiries`, { body }),
};
