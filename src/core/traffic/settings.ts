/** What concerns the gateway as a whole rather than one service. */
export interface GatewaySettings {
  /** Networks (`10.0.0.0/8`, `::1/128`) whose word on the client counts: proxies in front of the gateway. */
  readonly trust: readonly string[];
}

export const DEFAULT_SETTINGS: GatewaySettings = { trust: ['127.0.0.0/8', '::1/128'] };
