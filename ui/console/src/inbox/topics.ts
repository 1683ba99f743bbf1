// The reasons for which customers write, offered when a conversation is named; stores may add their own.
export const topics = [
  'order_status',
  'delivery',
  'payment',
  'return',
  'exchange',
  'availability',
  'product',
  'order_change',
  'complaint',
  'other',
] as const;
