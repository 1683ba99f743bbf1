import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

export default ts.config(
  { ignores: ['dist/', '.fake/', 'node_modules/', 'src/lib/api/schema.d.ts'] },
  ...ts.configs.recommended,
  ...svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: ['.svelte'], svelteConfig },
    },
  },
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-restricted-imports': [
        'error',
        { paths: [{ name: '@lucide/svelte', message: 'Import one icon: @lucide/svelte/icons/mail' }] },
      ],
      // Links go through our own router, which is not SvelteKit's.
      'svelte/no-navigation-without-resolve': 'off',
      // Plain collections are meant plain: what the screen follows is a signal by choice, not by habit.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
);
