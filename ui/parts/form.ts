/** What stands in a form's text field. */
export function fieldText(form: HTMLFormElement, name: string): string {
  const value = new FormData(form).get(name);
  return typeof value === 'string' ? value : '';
}

/** The form that an event came from. */
export const formOf = (event: Event): HTMLFormElement => event.currentTarget as HTMLFormElement;
