import { signIn } from '../api.js';
import { h, type Props } from '../dom.js';
import { fieldText } from '../parts/form.js';
import { attempt } from '../parts/notice.js';

const isLoopback = (): boolean => /^(localhost|127\.[\d.]+|\[::1\])$/.test(location.hostname);

/** The form to sign in with; calls `done` afterwards. */
export function signInView(main: HTMLElement, done: () => void): void {
  const trouble = h('div');
  const field = (name: string, label: string, props: Props) =>
    h(
      'div',
      { class: 'field' },
      h('label', { for: `sign-in-${name}` }, label),
      h('input', { id: `sign-in-${name}`, name, ...props }),
    );
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const text = (name: string) => fieldText(form, name);
    void attempt(form.querySelector('button'), trouble, async () => {
      await signIn(text('username'), text('password'), text('domain'));
      done();
    });
  };
  const form = h(
    'form',
    { class: 'card narrow', onsubmit: submit },
    h('h1', {}, 'Sign in'),
    field('username', 'User name', { autocomplete: 'username', required: true, autofocus: true }),
    field('password', 'Password', { type: 'password', autocomplete: 'current-password', required: true }),
    h(
      'details',
      {},
      h('summary', {}, 'Domain'),
      field('domain', 'Path of the domain, such as /eng/qa; empty for ROOT', {}),
    ),
    trouble,
    h('button', { class: 'main' }, 'Sign in'),
    isLoopback() &&
      h(
        'p',
        { class: 'hint' },
        'Started with ',
        h('code', {}, 'npm start'),
        '? User name and password are in ',
        h('code', {}, '.cks/admin.json'),
        ' (the state folder, CKS_HOME).',
      ),
  );
  main.replaceChildren(form);
  form.querySelector('input')?.focus();
}
