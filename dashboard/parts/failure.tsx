// Where a part of the page breaks, the rest stays: this says what happened, and tries again.

import { Component, type ReactNode } from 'react'

export class Failure extends Component<{ readonly children: ReactNode }, { readonly error: Error | undefined }> {
  override state = { error: undefined }

  static getDerivedStateFromError(error: Error) {
    return { error }
  }

  override render() {
    const { error } = this.state as { error: Error | undefined }
    if (error === undefined) return this.props.children
    return (
      <div className="failure" role="alert">
        <h2>This part of the page has failed</h2>
        <p>{error.message}</p>
        <button type="button" onClick={() => this.setState({ error: undefined })}>
          Try again
        </button>
      </div>
    )
  }
}
