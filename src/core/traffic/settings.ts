/** What concerns the gateway as a whole rather than one service. */
export interface GatewaySettings {
  /** Networks (`10.0.0.0/8`, `::1/128`) whose word on the client counts: proxies in front of the gateway. */
  readonly trust: readonly string[];
  /** Says which country a client is in; believed only from `trust`. */
  readonly geo: { readonly header: string } | null;
  /** Secret of this project, 32 bytes in base64url: the gateway signs its cookies with it. Null: none was made. */
  readonly stickyKey: string | null;
}

/** What of it the user's file says. */
export type GatewayChoices = Omit<GatewaySettings, 'stickyKey'>;

export const DEFAULT_CHOICES: GatewayChoices = { trust: ['127.0.0.0/8', '::1/128'], geo: null };
export const DEFAULT_SETTINGS: GatewaySettings = { ...DEFAULT_CHOICES, stickyKey: null };
