import { stored } from './stored'

export type Choice = 'auto' | 'light' | 'dark'

const CHOICES: readonly Choice[] = ['auto', 'light', 'dark']

/** The colours: as the system says until the user chooses. */
export class Theme {
  choice = $state<Choice>('auto')
  private system = $state<'light' | 'dark'>('light')
  readonly shown = $derived(this.choice === 'auto' ? this.system : this.choice)
  private readonly setting = stored('local', 'theme')

  constructor() {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const follow = () => (this.system = query.matches ? 'dark' : 'light')
    follow()
    query.addEventListener('change', follow)
    const saved = this.setting.read() as Choice
    if (CHOICES.includes(saved)) this.choice = saved
    $effect.root(() => {
      $effect.pre(() => {
        document.documentElement.dataset.theme = this.shown
      })
    })
    document.documentElement.dataset.theme = this.shown
  }

  /** Goes on to the next choice: auto, light, dark. */
  next(): void {
    this.choice = CHOICES[(CHOICES.indexOf(this.choice) + 1) % CHOICES.length]!
    this.setting.write(this.choice === 'auto' ? '' : this.choice)
  }
}
