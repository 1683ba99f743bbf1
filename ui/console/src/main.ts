import { mount } from 'svelte';
import './app.css';
import App from './App.svelte';

// `vite --mode fake` puts an API into the page; the condition is a constant, so no other build carries it.
if (import.meta.env.MODE === 'fake') {
  const { install } = await import('./dev/fake');
  install();
}

mount(App, { target: document.getElementById('app')! });
